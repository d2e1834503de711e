"""Tests of how pages say things."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from remote_service.states import State
from webui import words

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_every_state_has_words() -> None:
    assert set(words.STATE_WORDS) == set(State)
    assert words.state_words("queued") == "Waiting in the queue"


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1\N{NO-BREAK SPACE}minute ago"),
        (timedelta(hours=3, minutes=20), "3\N{NO-BREAK SPACE}hours ago"),
        (timedelta(days=2), "2\N{NO-BREAK SPACE}days ago"),
        (timedelta(seconds=-5), "just now"),
    ],
)
def test_an_age_is_said_in_its_largest_unit(age: timedelta, said: str) -> None:
    assert words.ago(NOW - age, NOW) == said


@pytest.mark.parametrize(
    ("free", "total", "quarantined", "said"),
    [
        (2, 3, 0, "2 of 3 free"),
        (2, 3, 1, "2 of 3 free"),
        (1, 1, 0, "1 of 1 free"),
        (0, 1, 0, "the only slot is in use"),
        (0, 4, 0, "all 4 slots are in use"),
        (0, 4, 1, "all 4 slots are in use or out of service"),
        (0, 1, 1, "out of service until an admin releases it"),
        (0, 4, 4, "out of service until an admin releases it"),
    ],
)
def test_slots_are_said_in_words(free: int, total: int, quarantined: int, said: str) -> None:
    assert words.slots_words(free, total, quarantined) == said


@pytest.mark.parametrize(("count", "said"), [(0, "nobody"), (1, "1 viewer"), (2, "2 viewers")])
def test_viewers_are_counted(count: int, said: str) -> None:
    assert words.viewers_words(count) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(1, "1 second"), (0.5, "0.5 seconds"), (15, "15 seconds"), (150, "2.5 minutes"), (900, "15 minutes"),
     (28800, "8 hours")],
)  # fmt: skip
def test_durations_are_said_in_a_fitting_unit(seconds: float, said: str) -> None:
    assert words.duration_words(seconds) == said


@pytest.mark.parametrize(
    ("on_last_disconnect", "linger", "said"),
    [
        ("stop", 15.0, "It ends 15 seconds after its last viewer has left."),
        ("stop", 0.0, "It ends as soon as its last viewer leaves."),
        ("stop", None, "It goes on running when you leave, until it is stopped."),
        ("keep", 15.0, "It goes on running when you leave, until it is stopped."),
    ],
)
def test_it_says_what_leaving_means(on_last_disconnect: str, linger: float | None, said: str) -> None:
    assert words.leaving_words(on_last_disconnect, linger) == said
