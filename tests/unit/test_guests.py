"""What guests are called, and by what they are known again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session as BrowserSession
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from remote_service import guests
from remote_service.models import Guest, Session
from remote_service.texts import recognised


@pytest.fixture
def session(alice: Any, make_type: Callable[..., Any]) -> Session:
    make_type("Desktop")
    return Session.objects.create(type_name="Desktop", index=0, owner=alice, door="web", token_hash="hash")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Maria", "Maria"),
        ("  Maria \t\n Curie ", "Maria Curie"),
        ("", ""),
        (" \0 ", ""),
        ("<b>Maria</b>", "<b>Maria</b>"),
        ("M\0a\x1b[31mria", "M a [31mria"),
        ("\u202eairaM", "airaM"),
        ("Ma\u200bria", "Ma ria"),
        ("x" * 41, "x" * 40),
        ("x" * 39 + " y", "x" * 39),
        ("e" + "\u0301" * 20, "é" + "\u0301" * 2),
        ("José", "José"),
        ("\ud800", ""),
    ],
)
def test_a_name_is_one_line_of_up_to_40_printable_characters(typed: str, kept: str) -> None:
    assert guests.guest_name(typed) == kept


@given(st.text())
def test_whatever_is_typed_what_is_kept_can_be_shown_and_is_kept_again(typed: str) -> None:
    name = guests.guest_name(typed)
    assert len(name) <= 40
    assert name.isprintable()
    assert name == name.strip()
    name.encode()


def test_a_guest_is_never_called_like_a_user() -> None:
    called = guests.called(Guest(name="alice"))
    assert called == "guest “alice”"
    assert guests.called(Guest()) == "a guest"
    # As the timeline finds them among the names of users.
    assert recognised("guest “alice b”", guests.CALLED) == called.filled(name="alice b")
    assert recognised("alice", guests.CALLED) is None


def test_a_browser_is_known_again_by_its_session_alone(session: Session, browse: Callable[..., str]) -> None:
    key = browse()
    guest = guests.welcome(key, session, "Maria")
    assert key not in str(Guest.objects.values().get())
    assert guests.guest_at(key, session.pk) == guest
    assert guests.guests_by(key) == [guest]
    assert guests.is_by(guest, key)
    for other in (browse(), "", None, "\0"):
        assert guests.guest_at(other, session.pk) is None
        assert guests.guests_by(other) == []
    assert not guests.is_by(guest, browse())


@pytest.mark.parametrize("end", ["expired", "gone"])
def test_it_is_no_guest_any_more_when_its_session_has_ended(
    session: Session, browse: Callable[..., str], end: str
) -> None:
    key = browse()
    guests.welcome(key, session, "Maria")
    if end == "gone":
        BrowserSession.objects.all().delete()
    else:
        BrowserSession.objects.update(expire_date=timezone.now())
    assert guests.guest_at(key, session.pk) is None
    assert guests.guests_by(key) == []


def test_it_is_a_guest_of_that_session_alone(session: Session, browse: Callable[..., str], alice: Any) -> None:
    key = browse()
    guests.welcome(key, session, "")
    other = Session.objects.create(type_name="Desktop", index=1, owner=alice, door="web", token_hash="another")
    assert guests.guest_at(key, other.pk) is None


def test_who_comes_again_is_the_same_and_may_say_another_name(session: Session, browse: Callable[..., str]) -> None:
    key = browse()
    names = [guests.welcome(key, session, name).name for name in ("", "Maria", "", "Marie")]
    assert names == ["", "Maria", "Maria", "Marie"]
    assert Guest.objects.get().name == "Marie"


def test_a_browser_that_gets_another_key_stays_the_guest_it_is(session: Session, browse: Callable[..., str]) -> None:
    before, after = browse(), browse()
    guest = guests.welcome(before, session, "Maria")
    guests.move(None, to=after)
    assert guests.guest_at(after, session.pk) is None
    guests.move(before, to=after)
    assert guests.guest_at(after, session.pk) == guest
    assert guests.guest_at(before, session.pk) is None
