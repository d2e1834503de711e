"""Tests of the page of a session's details, and of what it asks for while it is open."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from remote_service import lifecycle
from remote_service.actors import Actor
from remote_service.models import Session, Viewer
from remote_service.states import State

Visit = Callable[[User], Client]
MakeSession = Callable[..., Session]
WriteLog = Callable[[Session, str], None]

PARTS = ("details/", "log/part")


def page(browser: Client, session: Session) -> str:
    response = browser.get(f"/sessions/{session.pk}/details/")
    assert response.status_code == 200
    return str(response.content.decode())


@pytest.mark.parametrize("part", PARTS)
def test_another_users_session_is_not_there(
    alice: User, bob: User, staff: User, visit: Visit, make_session: MakeSession, part: str
) -> None:
    session = make_session(alice)
    for user in (bob, staff):
        assert visit(user).get(f"/sessions/{session.pk}/{part}").status_code == 404


@pytest.mark.parametrize("part", PARTS)
def test_who_is_not_logged_in_is_led_to_the_login_page(client: Client, make_session: MakeSession, part: str) -> None:
    response = client.get(f"/sessions/{make_session(None).pk}/{part}")
    assert (response.status_code, response["Location"].partition("?")[0]) == (302, "/login/")


def test_the_page_tells_what_is_known(
    alice: User, visit: Visit, make_session: MakeSession, write_log: WriteLog
) -> None:
    session = make_session(alice, title="My <run>", host="n8", options={"size": "800x600", "cores": "<4>"})
    write_log(session, "\x1b[31mhello <b>\x1b[0m\nunfinished")
    lifecycle.note(session.pk, "reserved", by=Actor("alice", "192.0.2.7", "web"))
    Viewer.objects.create(session=session, user=alice, address="192.0.2.7")
    shown = page(visit(alice), session)
    for text in ("My &lt;run&gt;</h1>", "<dd>n8</dd>", "<dd>800x600</dd>", "<dd>&lt;4&gt;</dd>", "A slot was reserved",
                 "is looking", "hello &lt;b&gt;", "It ends 15 seconds after its last viewer has left."):  # fmt: skip
        assert text in shown
    assert "192.0.2.7" not in shown
    assert "unfinished" not in shown
    assert 'data-next="19"' in shown
    assert f'datetime="{session.created_at.isoformat(timespec="seconds")}"' in shown
    assert f'formaction="/sessions/{session.pk}/stop"' in shown


def test_staff_are_told_from_where_people_came(
    alice: User, manager: User, visit: Visit, make_session: MakeSession
) -> None:
    session = make_session(alice)
    Viewer.objects.create(session=session, user=alice, address="192.0.2.7")
    assert "192.0.2.7" in page(visit(manager), session)


def test_who_may_look_only_gets_no_button_to_stop(
    alice: User, watcher: User, visit: Visit, make_session: MakeSession
) -> None:
    session = make_session(alice)
    assert f"/sessions/{session.pk}/stop" not in page(visit(watcher), session)


def test_the_page_holds_no_secret_and_no_script_of_its_own(
    alice: User, visit: Visit, make_session: MakeSession
) -> None:
    session = make_session(alice, sealed_token="sealed-token", sealed_password="sealed-password", token_hash="the-hash")
    shown = page(visit(alice), session)
    for secret in ("sealed-token", "sealed-password", "the-hash"):
        assert secret not in shown
    assert re.findall(r"<script(?![^>]*(?:\bsrc=|application/json))", shown) == []
    assert re.findall(r"<style|\bstyle=|\bon[a-z]+=", shown) == []


def test_a_session_of_which_nobody_can_tell_whether_it_lives_says_so(
    alice: User, visit: Visit, make_session: MakeSession
) -> None:
    session = make_session(alice)
    Session.objects.filter(pk=session.pk).update(unknown_since=session.created_at, unknown_reason="ssh does not answer")
    shown = page(visit(alice), session)
    assert "nobody can tell whether it lives. ssh does not answer" in shown
    assert "&lt;time" not in shown
    Session.objects.filter(pk=session.pk).update(state=State.ENDED)
    assert "nobody can tell" not in page(visit(alice), session)


def test_the_other_pages_of_a_session_lead_there(alice: User, visit: Visit, make_session: MakeSession) -> None:
    browser = visit(alice)
    running, over = make_session(alice), make_session(alice, State.ENDED)
    picker = browser.get("/").content.decode()
    for session in (running, over):
        assert f'href="/sessions/{session.pk}/details/"' in picker
        assert f'href="/sessions/{session.pk}/details/"' in browser.get(f"/sessions/{session.pk}/").content.decode()


def test_the_page_of_a_session_that_is_over_says_how_it_ended(
    alice: User, visit: Visit, make_session: MakeSession
) -> None:
    shown = page(visit(alice), make_session(alice, State.ENDED))
    assert 'data-over="true"' in shown
    assert "It was stopped by its user." in shown
    assert "stop-dialog" not in shown


# ---- its log ----------------------------------------------------------------------------------------------


def test_the_log_is_told_in_parts(alice: User, visit: Visit, make_session: MakeSession, write_log: WriteLog) -> None:
    session = make_session(alice)
    write_log(session, "one\n<two>\nthr")
    address = f"/sessions/{session.pk}/log/part"
    browser = visit(alice)
    assert browser.get(address).json() == {"text": "one\n<two>\n", "next": 10, "skipped": False, "over": False}
    assert browser.get(f"{address}?after=4").json()["text"] == "<two>\n"
    assert browser.get(f"{address}?after=10").json()["text"] == ""
    assert browser.get(f"{address}?after=nonsense").json()["text"] == "one\n<two>\n"
    assert browser.get(f"{address}?after={'9' * 5000}").json()["text"] == "one\n<two>\n"
    assert "no-store" in browser.get(address)["Cache-Control"]


def test_of_a_session_that_is_over_the_last_line_is_told_as_well(
    alice: User, visit: Visit, make_session: MakeSession, write_log: WriteLog
) -> None:
    session = make_session(alice, State.FAILED)
    write_log(session, "killed")
    told = visit(alice).get(f"/sessions/{session.pk}/log/part?after=0").json()
    assert (told["text"], told["over"]) == ("killed", True)
