"""Tests of the picker: what it shows to whom, launching, and the poll."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from remote_service.models import Session, SessionEvent, Site, Viewer
from remote_service.states import State
from tests.conftest import GROUP

Visit = Callable[[User], Client]
MakeType = Callable[..., Any]
MakeSession = Callable[..., Session]
PAGE = "/"
POLL = "/sessions/"


def text(response: Any) -> str:
    """The page's text, its tags left out and its blanks joined."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


@pytest.mark.django_db
def test_a_visitor_who_is_not_logged_in_is_led_to_the_login_page(client: Client) -> None:
    response = client.get(PAGE)
    assert (response.status_code, response["Location"]) == (302, "/login/?next=/")


def test_the_page_is_never_kept_by_a_browser_or_a_proxy(alice: User, visit: Visit) -> None:
    assert "no-store" in visit(alice).get(PAGE)["Cache-Control"]


def test_a_post_is_refused(alice: User, visit: Visit) -> None:
    assert visit(alice).post(PAGE).status_code == 405


def test_no_page_has_a_script_or_a_style_of_its_own(alice: User, visit: Visit, make_type: MakeType) -> None:
    make_type()
    page = visit(alice).get(PAGE).content.decode()
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert re.findall(r"<style|\bstyle=|\bon[a-z]+=", page) == []


# ---- what it shows ----------------------------------------------------------------------------------------


def test_a_type_is_a_card_with_description_sizes_slots_and_form(
    alice: User, visit: Visit, make_type: MakeType, make_session: MakeSession
) -> None:
    make_type(
        "Desk <1>",
        count=3,
        description="First line.\nSecond & last.",
        options={"sizes": ["1x1", "2x2"]},
        form=[{"name": "cores", "type": "number", "label": "Cores", "unit": "n", "min": 1, "help": "How many."}],
    )
    make_session(alice, type_name="Desk <1>", index=1)
    page = visit(alice).get(PAGE).content.decode()
    for part in (
        "Desk &lt;1&gt;</h3>",
        "First line.<br>Second &amp; last.",
        '<option value="1x1" selected>1x1</option>',
        '<option value="2x2">2x2</option>',
        "Cores (n)</label>",
        'min="1"',
        "How many.",
        "2 of 3 free",
    ):
        assert part in page
    assert "Desk <1>" not in page


def test_a_type_of_another_group_is_not_shown(charlie: User, visit: Visit, make_type: MakeType) -> None:
    make_type("Rendering", options={"group": GROUP})
    assert "Rendering" not in text(visit(charlie).get(PAGE))


def test_a_live_session_can_be_opened_and_stopped(alice: User, visit: Visit, make_session: MakeSession) -> None:
    session = make_session(alice, State.STARTING, progress="Copying <files>")
    page = visit(alice).get(PAGE).content.decode()
    assert f'href="/sessions/{session.pk}/"' in page
    assert f'formaction="/sessions/{session.pk}/stop"' in page
    assert "Copying &lt;files&gt;" in page
    assert "Starting" in page


def test_an_ended_session_says_why_and_under_which_reference(
    alice: User, visit: Visit, make_session: MakeSession
) -> None:
    session = make_session(alice, State.FAILED, end_reason="start_failed", end_detail="No <licence>.")
    page = visit(alice).get(PAGE).content.decode()
    assert "It could not be started. No &lt;licence&gt;." in page
    assert session.reference in page


def test_who_has_nothing_is_told_what_to_do(alice: User, visit: Visit, make_type: MakeType) -> None:
    make_type()
    assert "Nothing of yours is running. Start a session below" in text(visit(alice).get(PAGE))


def test_who_may_use_nothing_is_told_whom_to_ask(charlie: User, visit: Visit) -> None:
    shown = text(visit(charlie).get(PAGE))
    assert "There is no session type that you may use." in shown
    assert "Ask those who run this site to add you to the right one." in shown
    assert "check_sessions" not in shown


def test_staff_are_told_how_many_problems_there_are_and_how_to_list_them(staff: User, visit: Visit) -> None:
    Site.load()
    Site.objects.update(problems=[{}, {}], loaded_at=timezone.now())
    shown = text(visit(staff).get(PAGE))
    assert "The sessions file has 2 problems." in shown
    assert ".venv/bin/python manage.py check_sessions " in shown
    assert "sessions.json" not in shown
    assert "Types are declared in the sessions file." in shown


def test_staff_are_told_the_sessions_file_when_it_is_not_the_one_that_commands_take(
    staff: User, visit: Visit, settings: Any
) -> None:
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, sessions_file=Path("/etc/my site/sessions.json"))
    Site.load()
    Site.objects.update(problems=[{}])
    shown = html.unescape(text(visit(staff).get(PAGE)))
    assert ".venv/bin/python manage.py check_sessions '/etc/my site/sessions.json' " in shown


def test_staff_are_told_when_the_sessions_file_was_never_read(staff: User, visit: Visit) -> None:
    assert "The sessions file has not been read yet." in text(visit(staff).get(PAGE))


def test_others_are_not_told_of_problems(alice: User, visit: Visit) -> None:
    Site.load()
    Site.objects.update(problems=[{}])
    assert "problem" not in text(visit(alice).get(PAGE))


def test_the_switch_takes_the_start_buttons_away_and_says_so(alice: User, visit: Visit, make_type: MakeType) -> None:
    make_type()
    assert ">Start</button>" in visit(alice).get(PAGE).content.decode()
    Site.objects.update(external_sessions_enabled=False)
    page = visit(alice).get(PAGE)
    assert ">Start</button>" not in page.content.decode()
    assert "Launching sessions is switched off at this site at the moment." in text(page)


def test_only_staff_are_led_to_the_administration(alice: User, staff: User, visit: Visit) -> None:
    assert 'href="/admin/"' not in visit(alice).get(PAGE).content.decode()
    assert 'href="/admin/"' in visit(staff).get(PAGE).content.decode()


def test_a_watcher_sees_the_sessions_of_others(
    alice: User, watcher: User, visit: Visit, make_session: MakeSession
) -> None:
    session = make_session(alice)
    page = visit(watcher).get(PAGE).content.decode()
    assert "Live sessions of others" in page
    assert f'href="/sessions/{session.pk}/"' in page
    assert f'formaction="/sessions/{session.pk}/stop"' not in page


def test_the_number_of_queries_is_the_same_for_any_number_of_types_and_sessions(
    watcher: User,
    alice: User,
    visit: Visit,
    make_type: MakeType,
    make_session: MakeSession,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    browser = visit(watcher)
    make_type("First")
    make_session(watcher)
    make_session(alice)
    make_session(watcher, State.ENDED)
    browser.get(PAGE)
    with django_assert_num_queries(12) as few:
        browser.get(PAGE)
    for number in range(50):
        make_type(f"Type {number}", options={"group": [GROUP, "More"]} if number % 2 else {})
    for number in range(200):
        owner = watcher if number % 4 else alice
        session = make_session(
            owner, State.ENDED if number % 3 == 0 else State.RUNNING, type_name=f"Type {number % 50}"
        )
        Viewer.objects.create(session=session)
    with django_assert_num_queries(len(few)):
        browser.get(PAGE)


# ---- launching --------------------------------------------------------------------------------------------


def test_a_launch_reserves_and_leads_to_the_sessions_page(alice: User, visit: Visit, make_type: MakeType) -> None:
    make_type(options={"sizes": ["1x1", "2x2"]}, form=[{"name": "gpu", "type": "checkbox", "default": True}])
    posted = {"type": "Pattern", "size": "2x2", "field-gpu": "false"}
    response = visit(alice).post("/launch/", posted, REMOTE_ADDR="192.0.2.7")
    session = Session.objects.get()
    assert (response.status_code, response["Location"]) == (303, f"/sessions/{session.pk}/")
    assert session.options == {"size": "2x2", "gpu": "false", "username": "alice"}
    event = SessionEvent.objects.get(what="reserved")
    assert (event.who, event.address, event.door) == ("alice", "192.0.2.7", "web")


def test_a_get_launches_nothing(alice: User, visit: Visit, make_type: MakeType) -> None:
    make_type()
    assert visit(alice).get("/launch/", {"type": "Pattern"}).status_code == 405
    assert not Session.objects.exists()


def test_a_launch_without_the_forms_token_is_refused(alice: User, make_type: MakeType) -> None:
    make_type()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    response = browser.post("/launch/", {"type": "Pattern"})
    assert response.status_code == 403
    assert "This form is out of date" in text(response)
    assert not Session.objects.exists()


def test_a_type_of_another_group_is_refused_as_if_it_were_not_there(
    charlie: User, visit: Visit, make_type: MakeType
) -> None:
    make_type("Rendering", options={"group": GROUP})
    browser = visit(charlie)
    refused = browser.post("/launch/", {"type": "Rendering"})
    missing = browser.post("/launch/", {"type": "No such type"})
    assert (refused.status_code, missing.status_code) == (404, 404)
    assert "There is no session type &#x27;Rendering&#x27; that you may use." in refused.content.decode()
    assert "There is no session type &#x27;No such type&#x27; that you may use." in missing.content.decode()


def test_wrong_values_are_marked_and_what_was_entered_stays(alice: User, visit: Visit, make_type: MakeType) -> None:
    make_type(
        options={"sizes": ["1x1", "2x2"]},
        form=[
            {"name": "cores", "type": "number", "label": "Cores", "max": 8},
            {"name": "title", "type": "text", "label": "Title"},
            {"name": "gpu", "type": "checkbox", "default": True},
        ],
    )
    posted = {"type": "Pattern", "size": "2x2", "field-cores": "99", "field-title": "<mine>", "field-gpu": "false"}
    response = visit(alice).post("/launch/", posted)
    page = response.content.decode()
    assert response.status_code == 400
    assert "“Pattern” was not started." in page
    assert "Please correct what is marked below." in page
    assert "Cores: found &quot;99&quot;; expected a number of at most 8." in page
    assert page.count('aria-invalid="true"') == 1
    assert '<option value="2x2" selected>' in page
    assert 'value="&lt;mine&gt;"' in page
    assert 'value="true" checked' not in page


def test_a_value_without_a_field_is_told_on_top(alice: User, visit: Visit, make_type: MakeType) -> None:
    make_type()
    response = visit(alice).post("/launch/", {"type": "Pattern", "field-colour": "red"})
    assert response.status_code == 400
    assert "There is no option &quot;colour&quot;" in response.content.decode()
    assert "Please correct" not in response.content.decode()


def test_a_full_type_is_refused_with_the_reason(
    alice: User, visit: Visit, make_type: MakeType, make_session: MakeSession
) -> None:
    make_type(count=1, options={"sizes": ["1x1", "2x2"]})
    make_session(None, index=0)
    response = visit(alice).post("/launch/", {"type": "Pattern", "size": "2x2"})
    assert response.status_code == 409
    assert "The only slot of &#x27;Pattern&#x27; is in use." in response.content.decode()
    assert '<option value="2x2" selected>' in response.content.decode()


def test_a_launch_while_launching_is_switched_off_is_refused(alice: User, visit: Visit, make_type: MakeType) -> None:
    make_type()
    Site.load()
    Site.objects.update(external_sessions_enabled=False)
    response = visit(alice).post("/launch/", {"type": "Pattern"})
    assert response.status_code == 503
    assert "Launching sessions is switched off at this site at the moment." in text(response)


# ---- the poll ---------------------------------------------------------------------------------------------


def polled(page: Any) -> str:
    """The address that the page's list asks for what changed."""
    found = re.search(r'hx-get="([^"]+)"', page.content.decode())
    assert found is not None
    return found[1]


def test_a_poll_is_answered_with_nothing_while_nothing_changed(
    alice: User, visit: Visit, make_type: MakeType, make_session: MakeSession
) -> None:
    make_type()
    make_session(alice)
    browser = visit(alice)
    response = browser.get(polled(browser.get(PAGE)))
    assert (response.status_code, response.content) == (204, b"")


def test_a_poll_brings_the_sessions_and_the_free_slots_when_something_changed(
    alice: User, visit: Visit, make_type: MakeType, make_session: MakeSession
) -> None:
    row = make_type(count=2)
    browser = visit(alice)
    address = polled(browser.get(PAGE))
    session = make_session(alice, index=0)
    response = browser.get(address)
    fragment = response.content.decode()
    assert response.status_code == 200
    assert f'data-session="{session.pk}"' in fragment
    assert f'<p class="slots" id="slots-{row.pk}" hx-swap-oob="true">1 of 2 free</p>' in fragment
    assert "<html" not in fragment
    assert browser.get(polled(response)).status_code == 204


def test_a_session_of_somebody_else_that_only_takes_a_slot_changes_the_page_too(
    alice: User, bob: User, visit: Visit, make_type: MakeType, make_session: MakeSession
) -> None:
    make_type(count=1)
    browser = visit(alice)
    address = polled(browser.get(PAGE))
    session = make_session(bob, index=0)
    fragment = browser.get(address).content.decode()
    assert "The only slot is in use" in fragment
    assert str(session.pk) not in fragment


@pytest.mark.django_db
def test_a_page_whose_login_has_ended_loads_itself_again(client: Client) -> None:
    response = client.get(POLL, headers={"HX-Request": "true"})
    assert (response.status_code, response["HX-Refresh"]) == (200, "true")
    assert client.get(POLL)["Location"] == "/login/?next=/"
