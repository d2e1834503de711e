"""How long a process waits for the database."""

from __future__ import annotations

import pytest

from remote_service.postgresql.patience import LAST_ANSWERS, PAUSE, Patience
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


@pytest.fixture
def patience(clock: Clock) -> Patience:
    return Patience(clock)


def test_who_has_waited_for_as_long_as_it_may_has_waited_enough(clock: Clock, patience: Patience) -> None:
    clock.now = 111.9
    assert not patience.over(100.0, 12.0)
    clock.now = 112.0
    assert patience.over(100.0, 12.0)


def test_once_the_process_ends_nobody_waits_for_long(clock: Clock, patience: Patience) -> None:
    clock.now = 105.0
    patience.hurry()
    clock.now = 105.0 + LAST_ANSWERS - 0.1
    assert not patience.over(100.0, 12.0)
    clock.now = 105.0 + LAST_ANSWERS
    assert patience.over(100.0, 12.0)
    # Nor who asks later, which does not count from the signal on.
    clock.now = 110.0
    assert not patience.over(109.0, 12.0)
    clock.now = 109.0 + LAST_ANSWERS
    assert patience.over(109.0, 12.0)


def test_a_second_signal_gives_no_more_time(clock: Clock, patience: Patience) -> None:
    patience.hurry()
    clock.now += LAST_ANSWERS
    patience.hurry()
    assert patience.over(90.0, 12.0)


def test_it_knows_that_the_process_is_ending(patience: Patience) -> None:
    assert not patience.ending
    patience.hurry()
    assert patience.ending


def test_after_a_wait_for_nothing_nobody_waits_for_a_while(clock: Clock, patience: Patience) -> None:
    assert not patience.exhausted
    patience.waited_for_nothing()
    assert patience.exhausted
    clock.now += PAUSE
    assert not patience.exhausted


def test_an_answer_ends_that(patience: Patience) -> None:
    patience.waited_for_nothing()
    patience.answered()
    assert not patience.exhausted
