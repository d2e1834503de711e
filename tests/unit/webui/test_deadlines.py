"""Tests of when a running session will end by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from remote_service.config.schema import Limits
from remote_service.models import Session
from remote_service.states import State
from webui.deadlines import Looked, deserted_until, longest_until

BEGAN = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
LIMITS = Limits(reservation_timeout=300.0, linger=15.0, reconnect=900.0, max_lifetime=3600.0)


def after(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def session(state: State = State.RUNNING, keep: str = "stop") -> Session:
    return Session(state=state, running_at=BEGAN, on_last_disconnect=keep)


def test_the_longest_time_counts_from_running_on() -> None:
    assert longest_until(session(), LIMITS) == after(3600)
    assert longest_until(session(), Limits()) is None
    assert longest_until(session(State.STARTING), LIMITS) is None


def test_while_somebody_looks_it_is_not_deserted() -> None:
    assert deserted_until(session(), LIMITS, [Looked(None, ""), Looked(after(5), "clean")]) is None


def test_what_nobody_ever_opened_ends_as_a_reservation_does() -> None:
    assert deserted_until(session(), LIMITS, []) == after(300)
    assert deserted_until(session(), Limits(reservation_timeout=None), []) is None


@pytest.mark.parametrize(
    ("looked", "end"),
    [
        ([Looked(after(10), "clean")], after(25)),
        ([Looked(after(10), "cut")], after(910)),
        ([Looked(after(10), "cut"), Looked(after(20), "clean")], after(910)),
    ],
)
def test_after_the_last_viewer_it_ends_when_the_longest_patience_does(looked: list[Looked], end: datetime) -> None:
    assert deserted_until(session(), LIMITS, looked) == end


def test_it_does_not_end_while_one_viewer_may_be_waited_for_without_end() -> None:
    limits = Limits(linger=15.0, reconnect=None)
    assert deserted_until(session(), limits, [Looked(after(1), "clean"), Looked(after(1), "cut")]) is None


def test_what_is_kept_or_does_not_run_is_not_deserted() -> None:
    assert deserted_until(session(keep="keep"), LIMITS, [Looked(after(1), "clean")]) is None
    assert deserted_until(session(State.STOPPING), LIMITS, [Looked(after(1), "clean")]) is None
