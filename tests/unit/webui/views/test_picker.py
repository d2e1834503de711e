"""Tests of the picker: what it shows to whom, launching, starting again, and links."""

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

from remote_service.models import Drain, Session, SessionEvent, SessionType, Site, Viewer
from remote_service.states import State
from tests.conftest import GROUP

Visit = Callable[[User], Client]
MakeType = Callable[..., Any]
MakeSession = Callable[..., Session]
PAGE = "/"


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


def test_before_the_session_types_have_been_read_one_is_told_to_wait(charlie: User, visit: Visit) -> None:
    shown = text(visit(charlie).get(PAGE))
    assert "The session types are still being read. They appear here by themselves." in shown
    assert "Ask those who run this site" not in shown


def test_who_may_use_nothing_is_told_whom_to_ask(charlie: User, visit: Visit) -> None:
    Site.load()
    Site.objects.update(loaded_at=timezone.now())
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
    def more(types: int, sessions: int) -> None:
        first = SessionType.objects.count()
        for number in range(first, first + types):
            make_type(f"Type {number}", options={"group": [GROUP, "More"]} if number % 2 else {})
        for number in range(sessions):
            owner = watcher if number % 4 else alice
            state = State.ENDED if number % 3 == 0 else State.RUNNING
            session = make_session(owner, state, type_name=f"Type {number % (first + types)}")
            Viewer.objects.create(session=session)

    browser = visit(watcher)
    more(types=10, sessions=620)
    browser.get(PAGE)
    with django_assert_num_queries(21):
        browser.get(PAGE)
    more(types=190, sessions=1380)
    with django_assert_num_queries(21):
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


# ---- names, and starting again ----------------------------------------------------------------------------


def test_a_launch_gives_the_session_its_name(alice: User, visit: Visit, make_type: MakeType) -> None:
    make_type()
    browser = visit(alice)
    browser.post("/launch/", {"type": "Pattern", "session-title": "<Wing>"})
    assert Session.objects.get().title == "<Wing>"
    assert '<h3 id="name-' in browser.get(PAGE).content.decode()
    assert "&lt;Wing&gt;</h3>" in browser.get(PAGE).content.decode()


def test_a_name_that_is_too_long_is_marked(alice: User, visit: Visit, make_type: MakeType) -> None:
    make_type()
    response = visit(alice).post("/launch/", {"type": "Pattern", "session-title": "x" * 81})
    page = response.content.decode()
    assert response.status_code == 400
    assert "Please correct what is marked below." in page
    assert "Name of the session: expected at most 80 printable characters, found 81." in page
    assert page.count('aria-invalid="true"') == 1


def test_an_ended_session_can_be_started_again(
    alice: User, visit: Visit, make_type: MakeType, make_session: MakeSession
) -> None:
    make_type(options={"sizes": ["1x1", "2x2"]})
    earlier = make_session(alice, State.ENDED, title="Wing", options={"size": "2x2", "username": "alice"})
    browser = visit(alice)
    assert f'formaction="/sessions/{earlier.pk}/again"' in browser.get(PAGE).content.decode()
    response = browser.post(f"/sessions/{earlier.pk}/again")
    session = Session.objects.exclude(pk=earlier.pk).get()
    assert (response.status_code, response["Location"]) == (303, f"/sessions/{session.pk}/")
    assert (session.title, session.options["size"]) == ("Wing", "2x2")


def test_nobody_starts_the_session_of_somebody_else_again(
    alice: User, manager: User, visit: Visit, make_type: MakeType, make_session: MakeSession
) -> None:
    make_type()
    earlier = make_session(alice, State.ENDED)
    assert visit(manager).post(f"/sessions/{earlier.pk}/again").status_code == 404
    assert Session.objects.count() == 1


def test_a_session_that_cannot_be_started_again_says_why(
    alice: User, visit: Visit, make_type: MakeType, make_session: MakeSession
) -> None:
    make_type(count=1)
    make_session(None, index=0)
    earlier = make_session(alice, State.ENDED, index=0, title="Wing")
    response = visit(alice).post(f"/sessions/{earlier.pk}/again")
    assert response.status_code == 409
    assert "The only slot of &#x27;Pattern&#x27; is in use." in response.content.decode()
    assert 'value="Wing"' in response.content.decode()


# ---- what a type's card says ------------------------------------------------------------------------------


def test_a_drained_type_shows_its_text_and_no_start(alice: User, visit: Visit, make_type: MakeType) -> None:
    make_type()
    Drain.objects.create(kind="type", name="Pattern", text="New <disks> on Friday.")
    page = visit(alice).get(PAGE).content.decode()
    assert "New &lt;disks&gt; on Friday." in page
    assert ">Start</button>" not in page


def test_every_form_has_the_token_of_who_asks(alice: User, bob: User, visit: Visit, make_type: MakeType) -> None:
    make_type()
    for user in (alice, bob):
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        page = browser.get(PAGE).content.decode()
        form = re.search(r'<form[^>]*class="launch".*?</form>', page, re.DOTALL)
        assert form is not None
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form[0])
        assert token is not None
        posted = {"type": "Pattern", "csrfmiddlewaretoken": token[1]}
        assert browser.post("/launch/", posted).status_code == 303


# ---- links that fill a form in ----------------------------------------------------------------------------


def test_a_link_fills_the_form_of_one_type_in_and_starts_nothing(
    alice: User, visit: Visit, make_type: MakeType
) -> None:
    make_type("Other")
    make_type("My type", options={"sizes": ["1x1", "2x2"]}, form=[{"name": "cores", "type": "number", "default": 1}])
    response = visit(alice).get("/launch/My%20type", {"size": "2x2", "field-cores": "4", "title": "Wing"})
    page = response.content.decode()
    assert response.status_code == 200
    assert '<option value="2x2" selected>' in page
    assert 'name="field-cores" value="4"' in page
    assert 'value="Wing"' in page
    assert "Other</h3>" not in page
    assert "was left out" not in page
    assert not Session.objects.exists()


def test_what_a_link_says_beyond_the_form_is_left_out_with_a_remark(
    alice: User, visit: Visit, make_type: MakeType
) -> None:
    make_type(options={"sizes": ["1x1"]}, form=[{"name": "cores", "type": "number", "max": 8}])
    response = visit(alice).get("/launch/Pattern", {"size": "9x9", "field-cores": "99", "<colour>": "red"})
    assert response.status_code == 200
    assert "this was left out: size, field-cores, &lt;colour&gt;." in response.content.decode()


def test_a_link_to_a_type_that_one_may_not_use_leads_nowhere(charlie: User, visit: Visit, make_type: MakeType) -> None:
    make_type(options={"group": GROUP})
    assert visit(charlie).get("/launch/Pattern").status_code == 404
    assert visit(charlie).get("/launch/No-such-type").status_code == 404


def test_a_link_is_not_posted_to(alice: User, visit: Visit, make_type: MakeType) -> None:
    make_type()
    assert visit(alice).post("/launch/Pattern").status_code == 405
