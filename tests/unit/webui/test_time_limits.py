"""Tests of how a session's page tells how long it may go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from remote_service.models import Session
from remote_service.states import State
from webui.time_limits import leaving, left_words, may_use, time_limits

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NBSP = "\N{NO-BREAK SPACE}"


def session(state: State, *, since: float = 60.0, limits: dict[str, Any] | None = None, **columns: Any) -> Session:
    """One that has been in a state for `since` seconds; not stored."""
    moment = NOW - timedelta(seconds=since)
    running = moment if state is State.RUNNING else None
    return Session(state=state, state_since=moment, running_at=running, stored_limits=limits or {}, **columns)


def told(found: Session, *, was_viewed: bool = True) -> list[tuple[str, float]]:
    """Each limit with the seconds that are left of it."""
    limits = time_limits(found, NOW, was_viewed=was_viewed)
    return [(limit.words, (limit.until - NOW).total_seconds()) for limit in limits]


def test_a_reservation_says_when_it_is_given_back() -> None:
    assert told(session(State.RESERVED)) == [("It is given back unless it is opened", 240.0)]
    assert told(session(State.RESERVED, limits={"reservation_timeout": None})) == []


def test_a_start_says_when_it_is_given_up() -> None:
    assert told(session(State.STARTING, since=20)) == [("Its start is given up", 40.0)]


def test_a_running_session_has_its_limits_the_next_first() -> None:
    running = session(State.RUNNING, since=600, limits={"max_lifetime": 3600, "idle_timeout": 1800})
    running.last_input_at = NOW - timedelta(seconds=300)
    assert told(running) == [
        ("Nobody has used keyboard or pointer for too long", 1500.0),
        ("It has run for as long as it may", 3000.0),
    ]


def test_an_extended_time_is_longer() -> None:
    running = session(State.RUNNING, since=600, limits={"max_lifetime": 3600}, extension=1800.0)
    assert told(running) == [("It has run for as long as it may", 4800.0)]


def test_idleness_counts_from_the_beginning_when_there_was_no_input() -> None:
    assert told(session(State.RUNNING, since=600, limits={"idle_timeout": 1800})) == [
        ("Nobody has used keyboard or pointer for too long", 1200.0)
    ]


def test_a_session_that_nobody_has_opened_says_until_when_it_waits() -> None:
    assert told(session(State.RUNNING), was_viewed=False) == [("It ends unless somebody opens it", 240.0)]
    assert told(session(State.RUNNING), was_viewed=True) == []
    assert told(session(State.RUNNING, on_last_disconnect="keep"), was_viewed=False) == []


@pytest.mark.parametrize("state", [State.QUEUED, State.STOPPING, State.ENDED, State.FAILED])
def test_in_other_states_no_limit_counts(state: State) -> None:
    assert told(session(state, limits={"max_lifetime": 1, "idle_timeout": 1})) == []


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(seconds=-5), "in less than a minute"),
        (timedelta(seconds=59), "in less than a minute"),
        (timedelta(minutes=1), f"in 1{NBSP}minute"),
        (timedelta(hours=2, minutes=5, seconds=3), f"in 2{NBSP}hours, 5{NBSP}minutes"),
    ],
)
def test_what_is_left_is_said_in_its_largest_units(left: timedelta, said: str) -> None:
    assert left_words(NOW + left, NOW) == said


def test_it_says_what_leaving_means() -> None:
    assert leaving(session(State.RUNNING)) == "It ends 15 seconds after its last viewer has left."


def test_it_says_what_of_its_machine_a_session_may_use() -> None:
    assert may_use(session(State.RUNNING)) == ()
    limited = session(State.RUNNING, limits={"memory": "8G", "cpus": 1.5, "tasks": 500})
    assert may_use(limited) == ("8 GiB of memory", "1.5 processors", "500 processes and threads")
    assert may_use(session(State.RUNNING, limits={"cpus": 1})) == ("1 processor",)
