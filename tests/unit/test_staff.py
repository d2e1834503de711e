"""What staff do to the site: done once, told in an event, and nothing else touched."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django.utils import timezone

from remote_service import reservations, staff
from remote_service.actors import Actor
from remote_service.errors import NotAllowedError, SwitchedOffError
from remote_service.models import Announcement, Drain, Session, SessionEvent, Site

pytestmark = pytest.mark.django_db
DORA = Actor("dora", "192.0.2.7", "dashboard")


@pytest.fixture
def nudges(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    heard: list[str] = []
    monkeypatch.setattr(staff, "nudge_supervisor", lambda: heard.append("supervisor"))
    return heard


def events() -> list[tuple[str, str]]:
    """What happened and why, and that Dora did it from where she was."""
    found = list(SessionEvent.objects.all())
    assert all((event.who, event.address, event.door) == ("dora", "192.0.2.7", "dashboard") for event in found)
    return [(event.what, event.why) for event in found]


def test_the_switch_is_turned_and_the_supervisors_columns_stay() -> None:
    Site.objects.create(pk=1, reload_wanted=7)
    staff.set_switch(False, DORA)
    assert (Site.load().external_sessions_enabled, Site.load().reload_wanted) == (False, 7)
    staff.set_switch(True, DORA)
    assert Site.load().external_sessions_enabled
    assert events() == [("switch turned", "External sessions are off."), ("switch turned", "External sessions are on.")]


def test_maintenance_begins_and_ends_with_its_text() -> None:
    staff.set_maintenance(" New disks. \n", DORA)
    assert Site.load().maintenance == "New disks."
    staff.set_maintenance(" ", DORA)
    assert Site.load().maintenance == ""
    assert events() == [("maintenance began", "New disks."), ("maintenance ended", "")]


def test_a_reload_is_asked_for_by_the_next_generation(nudges: list[str]) -> None:
    Site.objects.create(pk=1, reload_wanted=7, reload_done=7)
    assert staff.ask_to_reload(DORA) == 8
    assert (Site.load().reload_wanted, Site.load().reload_done) == (8, 7)
    assert (events(), nudges) == ([("reload asked", "")], ["supervisor"])


def test_a_drained_type_is_refused_with_the_text_until_the_drain_ends(make_type: Callable[..., Any]) -> None:
    pattern = make_type("Pattern")
    drain = staff.drain(Drain.Kind.TYPE, "Pattern", "New licences come at noon.", DORA)
    with pytest.raises(SwitchedOffError) as refusal:
        reservations.refuse_drained(pattern)
    assert str(refusal.value) == "'Pattern' takes no new sessions at the moment. New licences come at noon."
    assert staff.end_drain(drain.pk, DORA) == drain
    reservations.refuse_drained(pattern)
    assert events() == [
        ("drained", "session type Pattern. New licences come at noon."),
        ("drain ended", "session type Pattern."),
    ]
    assert set(SessionEvent.objects.values_list("type_name", flat=True)) == {"Pattern"}


def test_what_is_drained_twice_has_one_drain_with_the_last_text() -> None:
    staff.drain(Drain.Kind.HOST, "n8", "A fan is broken.", DORA)
    staff.drain(Drain.Kind.HOST, "n8", "Two fans are broken.", DORA)
    assert Drain.objects.get().text == "Two fans are broken."
    assert set(SessionEvent.objects.values_list("type_name", flat=True)) == {""}


def test_a_drain_that_is_not_there_cannot_be_ended() -> None:
    assert staff.end_drain(4711, DORA) is None
    assert events() == []


def test_an_announcement_is_made_and_ended_once() -> None:
    now = timezone.now()
    made = staff.announce("Cake at four.", Announcement.Level.INFO, now - timedelta(hours=1), None, DORA)
    assert staff.end_announcement(made.pk, DORA) is True
    made.refresh_from_db()
    assert made.shown_until is not None and made.shown_until >= now
    assert staff.end_announcement(made.pk, DORA) is False
    assert staff.end_announcement(4711, DORA) is False
    assert events() == [("announced", "Cake at four."), ("announcement ended", "Cake at four.")]


def make_session(owner: User | None, index: int = 0, **columns: Any) -> Session:
    columns = {"state": "running", "type_name": "Pattern", "door": "web", **columns}
    return Session.objects.create(owner=owner, index=index, token_hash=f"hash {index}", **columns)


def test_a_session_is_stopped_with_a_reason_for_its_owner(alice: User) -> None:
    session = make_session(alice)
    assert staff.stop_session(session.pk, "The node is rebooted.", DORA) is True
    session.refresh_from_db()
    assert (session.wanted, session.wanted_reason, session.wanted_detail) == ("stop", "staff", "The node is rebooted.")
    assert staff.stop_session(session.pk, "Again.", DORA) is False
    assert events() == [("stop asked", "It was stopped by staff. The node is rebooted.")]


def test_of_an_unknown_session_staff_declares_that_it_has_ended(alice: User) -> None:
    session = make_session(alice, unknown_since=timezone.now())
    assert staff.stop_session(session.pk, "The node burnt down.", DORA) is True
    session.refresh_from_db()
    assert (session.wanted, session.wanted_reason, session.wanted_detail) == ("stop", "staff", "The node burnt down.")
    assert staff.stop_session(session.pk, "Again.", DORA) is False
    assert events() == [("declared ended", "The node burnt down.")]


def test_who_blocks_a_user_declares_nothing_of_unknown_sessions(alice: User) -> None:
    make_session(alice, unknown_since=timezone.now())
    assert staff.block_user(alice, "Her account was stolen.", DORA) == 1
    assert ("stop asked", "It was stopped by staff. Her account was stolen.") in events()


def test_a_blocked_user_is_locked_out_and_all_their_sessions_end(alice: User, bob: User) -> None:
    hers = [make_session(alice, 0), make_session(alice, 1, state="reserved")]
    others = [make_session(alice, 2, state="ended"), make_session(bob, 3)]
    assert staff.block_user(alice, "Her account was stolen.", DORA) == 2
    alice.refresh_from_db()
    assert not alice.is_active
    assert {row.wanted_detail for row in Session.objects.filter(pk__in=[one.pk for one in hers])} == {
        "Her account was stolen."
    }
    assert {row.wanted for row in Session.objects.filter(pk__in=[one.pk for one in others])} == {""}
    assert ("user blocked", "alice: Her account was stolen.") in events()
    assert staff.unblock_user(alice, DORA) is True
    assert staff.unblock_user(alice, DORA) is False
    alice.refresh_from_db()
    assert alice.is_active
    assert events().count(("user unblocked", "alice")) == 1


def logged_in(user: User) -> Client:
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def is_logged_in(browser: Client) -> bool:
    return browser.get("/").status_code == 200


def test_no_cookie_from_before_the_block_is_worth_anything_after_it(alice: User, bob: User) -> None:
    hers, others = [logged_in(alice), logged_in(alice)], logged_in(bob)
    assert all(map(is_logged_in, hers))
    staff.block_user(alice, "Her account was stolen.", DORA)
    staff.unblock_user(alice, DORA)
    assert not any(map(is_logged_in, hers))
    assert is_logged_in(others)
    assert is_logged_in(logged_in(alice))


def test_a_login_that_slipped_past_the_block_ends_before_the_user_is_let_in_again(alice: User) -> None:
    slipped = logged_in(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    staff.unblock_user(alice, DORA)
    assert not is_logged_in(slipped)


def test_who_was_never_blocked_stays_logged_in(alice: User) -> None:
    browser = logged_in(alice)
    assert staff.unblock_user(alice, DORA) is False
    assert is_logged_in(browser)


def test_browsers_in_which_nobody_is_logged_in_keep_what_they_have(alice: User) -> None:
    stranger = SessionStore()
    stranger.create()
    staff.block_user(alice, "Her account was stolen.", DORA)
    assert stranger.exists(stranger.session_key)


@pytest.mark.parametrize(
    ("name", "traits", "why"),
    [
        ("root", {"is_superuser": True}, "superusers cannot be blocked"),
        ("dora", {}, "nobody can block themselves"),
    ],
)
def test_superusers_and_oneself_cannot_be_blocked(
    make_user: Callable[..., User], name: str, traits: dict[str, bool], why: str
) -> None:
    user = make_user(name, **traits)
    session = make_session(user)
    with pytest.raises(NotAllowedError) as refusal:
        staff.block_user(user, "A bad day.", DORA)
    assert str(refusal.value) == f"'{name}' was not blocked: {why}."
    user.refresh_from_db()
    session.refresh_from_db()
    assert (user.is_active, session.wanted) == (True, "")
    assert events() == [("refused", f"not_allowed: {name}: {why}")]
