"""Tests of what a session's pages ask for and do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from remote_service import sharing
from remote_service.actors import Actor
from remote_service.models import Session, SessionEvent
from remote_service.sharing import Offer
from remote_service.states import State

Visit = Callable[[User], Client]
MakeSession = Callable[..., Session]
WriteLog = Callable[[Session, str], None]


@pytest.mark.parametrize(("method", "what"), [("get", "status"), ("post", "keep"), ("post", "stop"), ("get", "log")])
def test_who_is_not_logged_in_is_led_to_the_login_page(
    client: Client, make_session: MakeSession, method: str, what: str
) -> None:
    response = getattr(client, method)(f"/sessions/{make_session(None).pk}/{what}")
    assert response.status_code == 302
    assert response["Location"].startswith("/login/?next=")


@pytest.mark.parametrize(("method", "what"), [("get", "status"), ("post", "keep"), ("post", "stop"), ("get", "log")])
def test_another_users_session_is_not_there(
    alice: User, bob: User, visit: Visit, make_session: MakeSession, write_log: WriteLog, method: str, what: str
) -> None:
    session = make_session(alice)
    write_log(session, "hers\n")
    assert getattr(visit(bob), method)(f"/sessions/{session.pk}/{what}").status_code == 404
    session.refresh_from_db()
    assert session.wanted == ""


def test_the_status_says_how_far_a_session_is(alice: User, visit: Visit, make_session: MakeSession) -> None:
    session = make_session(alice, State.STARTING, progress="Copying 3 of 12 files")
    response = visit(alice).get(f"/sessions/{session.pk}/status")
    assert response.json() == {
        "state": "starting",
        "words": "Starting",
        "progress": "Copying 3 of 12 files",
        "phases": [
            {"key": "reserved", "status": "done"},
            {"key": "starting", "status": "current"},
            {"key": "queued", "status": "skipped"},
            {"key": "running", "status": "coming"},
        ],
        "over": False,
        "watch": True,
        "ending": "",
        "end": None,
    }
    assert "no-store" in response["Cache-Control"]


def test_the_status_tells_staff_whether_they_have_to_say_why(
    alice: User, watcher: User, visit: Visit, make_session: MakeSession, say_why: Callable[..., None]
) -> None:
    session = make_session(alice)
    address = f"/sessions/{session.pk}/status"
    assert visit(watcher).get(address).json()["watch"] is False
    say_why(watcher, session)
    assert visit(watcher).get(address).json()["watch"] is True


def test_the_status_of_a_session_that_is_over_says_why(alice: User, visit: Visit, make_session: MakeSession) -> None:
    session = make_session(alice, State.FAILED, end_reason="start_failed", end_detail="No licence.")
    found = visit(alice).get(f"/sessions/{session.pk}/status").json()
    assert (found["state"], found["over"], found["ending"]) == (
        "failed",
        True,
        "It could not be started. No licence.",
    )


# ---- keep -------------------------------------------------------------------------------------------------


def near_its_end(make_session: MakeSession, owner: User, **columns: object) -> Session:
    ends_at = timezone.now() + timedelta(seconds=50)
    return make_session(owner, near_end="idle", ends_at=ends_at, stored_limits={"idle_timeout": 3600}, **columns)


def test_the_status_says_that_an_end_is_near(
    alice: User, watcher: User, visit: Visit, make_session: MakeSession
) -> None:
    session = near_its_end(make_session, alice)
    for user, keep in ((alice, True), (watcher, False)):
        end = visit(user).get(f"/sessions/{session.pk}/status").json()["end"]
        assert 40 < end.pop("left") <= 50
        assert end == {
            "words": "Nobody has used keyboard or pointer for a while, so this session ends in {}.", "keep": keep
        }  # fmt: skip


def test_its_owner_keeps_it(alice: User, visit: Visit, make_session: MakeSession) -> None:
    session = near_its_end(make_session, alice)
    assert visit(alice).post(f"/sessions/{session.pk}/keep").json() == {"kept": True}
    assert visit(alice).post(f"/sessions/{session.pk}/keep").json() == {"kept": False}
    assert visit(alice).get(f"/sessions/{session.pk}/status").json()["end"] is None


def test_who_may_only_look_does_not_keep_it(
    alice: User, watcher: User, visit: Visit, make_session: MakeSession
) -> None:
    session = near_its_end(make_session, alice)
    assert visit(watcher).post(f"/sessions/{session.pk}/keep").status_code == 403
    session.refresh_from_db()
    assert session.near_end == "idle"


# ---- stop -------------------------------------------------------------------------------------------------


def test_a_stop_is_asked_for_and_leads_back(alice: User, visit: Visit, make_session: MakeSession) -> None:
    session = make_session(alice)
    browser = visit(alice)
    response = browser.post(f"/sessions/{session.pk}/stop", REMOTE_ADDR="192.0.2.7")
    session.refresh_from_db()
    assert (response.status_code, response["Location"]) == (303, "/")
    assert (session.wanted, session.wanted_reason) == ("stop", "user")
    event = SessionEvent.objects.get(what="stop asked")
    assert (event.who, event.address, event.door) == ("alice", "192.0.2.7", "web")
    assert "“Pattern” is being ended." in browser.get("/").content.decode()


def test_a_second_stop_says_that_it_is_ending(alice: User, visit: Visit, make_session: MakeSession) -> None:
    session = make_session(alice)
    browser = visit(alice)
    browser.post(f"/sessions/{session.pk}/stop")
    browser.get("/")
    browser.post(f"/sessions/{session.pk}/stop")
    assert "“Pattern” was ending already." in browser.get("/").content.decode()
    assert SessionEvent.objects.filter(what="stop asked").count() == 1


def test_a_manager_stops_as_staff(alice: User, manager: User, visit: Visit, make_session: MakeSession) -> None:
    session = make_session(alice)
    visit(manager).post(f"/sessions/{session.pk}/stop")
    session.refresh_from_db()
    assert (session.wanted, session.wanted_reason) == ("stop", "staff")


def test_who_may_look_only_cannot_stop(alice: User, watcher: User, visit: Visit, make_session: MakeSession) -> None:
    session = make_session(alice)
    response = visit(watcher).post(f"/sessions/{session.pk}/stop")
    session.refresh_from_db()
    assert (response.status_code, session.wanted) == (403, "")
    assert "You may not do this" in response.content.decode()


def test_a_get_stops_nothing(alice: User, visit: Visit, make_session: MakeSession) -> None:
    session = make_session(alice)
    assert visit(alice).get(f"/sessions/{session.pk}/stop").status_code == 405
    session.refresh_from_db()
    assert session.wanted == ""


# ---- log --------------------------------------------------------------------------------------------------


def test_the_log_is_a_text_file_to_be_saved(
    alice: User, visit: Visit, make_session: MakeSession, write_log: WriteLog
) -> None:
    session = make_session(alice)
    write_log(session, "<script>alert(1)</script> \x1b[31mé\x1b[0m\n")
    response = visit(alice).get(f"/sessions/{session.pk}/log")
    assert response.content.decode() == "<script>alert(1)</script> é\n"
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["Content-Disposition"] == f'attachment; filename="session-{session.reference}.log"'
    assert response["X-Content-Type-Options"] == "nosniff"


def test_a_session_without_a_log_has_none_to_save(
    alice: User, visit: Visit, make_session: MakeSession, write_log: WriteLog
) -> None:
    assert visit(alice).get(f"/sessions/{make_session(alice).pk}/log").status_code == 404


def test_who_was_given_control_keeps_it_and_who_may_look_does_not(
    alice: User, bob: User, visit: Visit, make_session: MakeSession, make_type: Callable[..., Any]
) -> None:
    make_type("Pattern")
    session = near_its_end(make_session, alice)
    by = Actor("alice", "", "web")
    share, secret = sharing.make_share(session, Offer(), alice, by)
    sharing.accept(secret, bob, Actor("bob", "", "web"))
    address = f"/sessions/{session.pk}/keep"
    assert visit(bob).post(address).status_code == 403
    sharing.set_control(share, True, by)
    assert visit(bob).post(address).json() == {"kept": True}
