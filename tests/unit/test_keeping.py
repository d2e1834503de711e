"""The end that a limit brings: warned of, and put off by whom and how far."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from remote_service import keeping
from remote_service.actors import Actor
from remote_service.models import Session, SessionEvent
from remote_service.states import EndReason, State

ALICE = Actor("alice", "192.0.2.7", "web")
Make = Callable[..., Session]


@pytest.fixture
def make(db: None) -> Make:
    """Makes a running session."""

    def running(limits: dict[str, float] | None = None, **columns: Any) -> Session:
        values = {"state": State.RUNNING, "stored_limits": limits or {}, "token_hash": uuid.uuid4().hex, **columns}
        return Session.objects.create(type_name="Desktop", index=0, door="web", **values)

    return running


@pytest.fixture
def nudged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Who was nudged."""
    nudges: list[str] = []
    monkeypatch.setattr(keeping, "nudge_supervisor", lambda: nudges.append("supervisor"))
    monkeypatch.setattr(keeping, "nudge_gateways", lambda _session: nudges.append("gateways"))
    return nudges


def again(session: Session) -> Session:
    session.refresh_from_db()
    return session


def events() -> list[tuple[str, str, str]]:
    return list(SessionEvent.objects.values_list("what", "why", "who"))


def test_a_warning_says_of_what_and_when_and_is_an_event(make: Make, nudged: list[str]) -> None:
    session = make()
    keeping.warn(session.pk, EndReason.IDLE, 60.0)

    again(session)
    assert session.near_end == EndReason.IDLE
    assert session.ends_at is not None
    assert timedelta(seconds=50) < session.ends_at - timezone.now() <= timedelta(seconds=60)
    assert events() == [("end near", "In 60 s: Nobody used keyboard or pointer for too long.", "")]
    assert nudged == ["gateways"]


def test_a_warning_is_taken_back_without_an_event(make: Make, nudged: list[str]) -> None:
    session = make(near_end="idle", ends_at=timezone.now())
    keeping.warn(session.pk, None, 0.0)

    again(session)
    assert (session.near_end, session.ends_at) == ("", None)
    assert (events(), nudged) == ([], ["gateways"])


def test_one_that_is_ending_is_warned_of_nothing(make: Make, nudged: list[str]) -> None:
    session = make(state=State.STOPPING)
    keeping.warn(session.pk, EndReason.IDLE, 60.0)

    assert again(session).near_end == ""
    assert (events(), nudged) == ([], [])


def test_an_idle_session_that_is_kept_counts_as_used(make: Make, nudged: list[str]) -> None:
    session = make({"idle_timeout": 600}, near_end="idle", ends_at=timezone.now())

    assert keeping.keep(session, ALICE)

    again(session)
    assert (session.near_end, session.ends_at) == ("", None)
    assert session.last_input_at is not None
    assert timezone.now() - session.last_input_at < timedelta(seconds=10)
    assert events() == [("kept", "It counts as used now.", "alice")]
    assert nudged == ["supervisor", "gateways"]


@pytest.mark.parametrize(
    ("limits", "extension", "extended"),
    [
        ({"max_lifetime": 3600, "most_lifetime": 10800}, 0.0, 3600.0),
        ({"max_lifetime": 3600, "most_lifetime": 10800}, 3600.0, 7200.0),
        ({"max_lifetime": 3600, "most_lifetime": 5000}, 0.0, 1400.0),
    ],
)
def test_the_longest_time_is_extended_by_as_much_again_up_to_the_most(
    make: Make, limits: dict[str, float], extension: float, extended: float
) -> None:
    session = make(limits, near_end="lifetime", ends_at=timezone.now(), extension=extension)

    assert keeping.may_be_kept(session)
    assert keeping.keep(session, ALICE)

    again(session)
    assert (session.extension, session.near_end) == (extended, "")
    assert session.lifetime == limits["max_lifetime"] + extended
    assert events() == [("kept", f"It may run {extended - extension:g} s longer.", "alice")]


@pytest.mark.parametrize(
    ("limits", "columns"),
    [
        ({"max_lifetime": 3600}, {"near_end": "lifetime"}),
        ({"max_lifetime": 3600, "most_lifetime": 3600}, {"near_end": "lifetime"}),
        ({"max_lifetime": 3600, "most_lifetime": 7200}, {"near_end": "lifetime", "extension": 3600.0}),
        ({"idle_timeout": 600}, {}),
        ({"idle_timeout": 600}, {"near_end": "idle", "state": State.STOPPING}),
        ({"idle_timeout": 600}, {"near_end": "idle", "wanted": "stop"}),
    ],
)
def test_what_cannot_be_put_off_is_not(
    make: Make, nudged: list[str], limits: dict[str, float], columns: dict[str, Any]
) -> None:
    session = make(limits, **columns)

    assert not keeping.keep(session, ALICE)
    assert (events(), nudged) == ([], [])


def test_of_two_who_press_at_the_same_moment_one_extends_it(make: Make) -> None:
    limits = {"max_lifetime": 3600, "most_lifetime": 36000}
    session = make(limits, near_end="lifetime", ends_at=timezone.now())
    other = Session.objects.get(pk=session.pk)

    assert [keeping.keep(session, ALICE), keeping.keep(other, ALICE)] == [True, False]
    assert again(session).extension == 3600.0
