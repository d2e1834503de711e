"""Ages on the monotonic clock, whatever the wall clock does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from remote_service.ages import BLIND, Ages

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
KEY = ("session", "state")
HOUR = timedelta(hours=1)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def test_a_moment_ages_with_the_monotonic_clock() -> None:
    ages = Ages()
    ages.look(100.0, NOON)
    ages.look(101.0, NOON + seconds(1))
    written = NOON + seconds(0.75)
    assert ages.age(KEY, written) == pytest.approx(0.25)
    ages.look(111.0, NOON + seconds(11))
    assert ages.age(KEY, written) == pytest.approx(10.25)


def test_a_restart_believes_stored_utc() -> None:
    ages = Ages()
    ages.look(5.0, NOON)
    assert ages.age(KEY, NOON - seconds(250)) == 250.0


def test_a_moment_in_the_future_is_as_old_as_nothing() -> None:
    ages = Ages()
    ages.look(5.0, NOON)
    assert ages.age(KEY, NOON + HOUR) == 0.0
    ages.look(6.0, NOON)
    assert ages.age(KEY, NOON + HOUR) == 1.0


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forward", "back"])
def test_a_wall_clock_that_jumps_does_not_age_what_is_known(jump: timedelta) -> None:
    ages = Ages()
    ages.look(0.0, NOON)
    assert ages.age(KEY, NOON - seconds(10)) == 10.0
    ages.look(1.0, NOON + seconds(1) + jump)
    assert ages.age(KEY, NOON - seconds(10)) == 11.0


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forward", "back"])
def test_what_was_written_before_the_jump_and_met_after_it_is_at_most_one_look_old(jump: timedelta) -> None:
    ages = Ages()
    ages.look(0.0, NOON)
    ages.look(1.0, NOON + seconds(1) + jump)
    assert 0.0 <= ages.age(KEY, NOON + seconds(0.5)) <= 1.0


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forward", "back"])
def test_what_is_written_after_the_jump_ages_as_ever(jump: timedelta) -> None:
    ages = Ages()
    ages.look(0.0, NOON)
    ages.look(1.0, NOON + seconds(1) + jump)
    ages.look(2.0, NOON + seconds(2) + jump)
    written = NOON + seconds(1.5) + jump
    assert ages.age(KEY, written) == 0.5
    ages.look(62.0, NOON + seconds(62) + jump)
    assert ages.age(KEY, written) == 60.5


def test_a_new_moment_under_the_same_key_is_young_again() -> None:
    ages = Ages()
    ages.look(0.0, NOON)
    assert ages.age(KEY, NOON - seconds(100)) == 100.0
    ages.look(1.0, NOON + seconds(1))
    assert ages.age(KEY, NOON + seconds(1)) == 0.0


def test_the_gap_before_the_first_look_was_not_watched() -> None:
    ages = Ages(gap=100.0)
    ages.look(5.0, NOON)
    before = NOON - seconds(250)
    assert (ages.age(KEY, before), ages.watched(KEY, before)) == (250.0, 150.0)
    ages.look(8.0, NOON + seconds(3))
    assert (ages.age(KEY, before), ages.watched(KEY, before)) == (253.0, 153.0)


def test_of_what_began_in_the_gap_the_time_since_the_first_look_was_watched() -> None:
    ages = Ages(gap=100.0)
    ages.look(5.0, NOON)
    assert ages.watched(KEY, NOON - seconds(40)) == 0.0
    ages.look(8.0, NOON + seconds(3))
    assert ages.watched(KEY, NOON - seconds(40)) == 3.0


def test_what_is_younger_than_the_first_look_was_watched_all_its_time() -> None:
    ages = Ages(gap=100.0)
    ages.look(5.0, NOON)
    ages.look(8.0, NOON + seconds(3))
    assert ages.watched(KEY, NOON + seconds(1)) == 2.0


def test_without_a_gap_all_of_it_was_watched() -> None:
    ages = Ages()
    ages.look(5.0, NOON)
    assert ages.watched(KEY, NOON - seconds(250)) == 250.0


def test_what_is_forgotten_is_met_anew_and_the_rest_is_kept() -> None:
    ages = Ages()
    ages.look(0.0, NOON)
    moment = NOON - seconds(100)
    assert ages.age(("gone", "state"), moment) == ages.age(("live", 7), moment) == 100.0
    ages.forget_all_but({"live"})
    ages.look(1.0, NOON + seconds(1))
    assert ages.age(("gone", "state"), moment) == 1.0
    assert ages.age(("live", 7), moment) == 101.0


def test_what_is_watched_does_not_age_while_nobody_can_look() -> None:
    ages = Ages()
    ages.look(0.0, NOON)
    ages.look(1.0, NOON + seconds(1))
    left = NOON + seconds(0.5)
    assert ages.watched(KEY, left) == 0.5
    ages.look(31.0, NOON + seconds(31))
    assert ages.watched(KEY, left) == 0.5
    assert ages.age(KEY, left) == 30.5
    # Written while nobody looked.
    assert ages.watched(("other", "state"), NOON + seconds(11)) == 0.0
    ages.look(32.0, NOON + seconds(32))
    assert ages.watched(KEY, left) == 1.5
    assert ages.watched(("other", "state"), NOON + seconds(11)) == 1.0


def test_a_look_that_comes_a_little_late_counts() -> None:
    ages = Ages()
    ages.look(0.0, NOON)
    ages.look(BLIND - 0.5, NOON + seconds(BLIND - 0.5))
    assert ages.watched(KEY, NOON) == BLIND - 0.5
