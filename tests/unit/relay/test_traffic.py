"""What viewers were sent and have sent, summed when somebody asks."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from remote_service.relay.traffic import Tally, Traffic


@dataclass
class Pump:
    bytes_down: int = 0
    bytes_up: int = 0
    messages_down: int = 0
    messages_up: int = 0


@pytest.fixture
def tally() -> Tally:
    return Tally()


def test_the_total_is_that_of_those_who_look_and_of_those_who_have_left(tally: Tally) -> None:
    stays, leaves = Pump(100, 10, 3, 2), Pump(1000, 20, 5, 4)
    tally.begin(1, stays)
    tally.begin(2, leaves)
    assert (tally.viewers, tally.total()) == (2, Traffic(1100, 30, 8, 6))
    tally.end(2)
    stays.bytes_down += 1
    assert (tally.viewers, tally.total()) == (1, Traffic(1101, 30, 8, 6))


def test_what_has_changed_is_to_be_written_and_nothing_else(tally: Tally) -> None:
    quiet, busy = Pump(), Pump(5, 6, 7, 8)
    tally.begin(1, quiet)
    tally.begin(2, busy)
    assert tally.unwritten() == {2: Traffic(5, 6, 7, 8)}
    tally.wrote(tally.unwritten())
    assert tally.unwritten() == {}
    busy.messages_up = 9
    assert tally.unwritten() == {2: Traffic(5, 6, 7, 9)}


def test_the_last_figures_of_one_that_left_are_kept_until_they_are_written(tally: Tally) -> None:
    tally.begin(1, Pump(5, 6, 7, 8))
    assert tally.ended() == {}
    tally.end(1)
    tally.end(1)
    assert tally.ended() == tally.unwritten() == {1: Traffic(5, 6, 7, 8)}
    tally.wrote(tally.ended())
    assert tally.ended() == tally.unwritten() == {}
    assert tally.total() == Traffic(5, 6, 7, 8)


def test_figures_that_were_taken_before_a_viewer_left_are_not_its_last(tally: Tally) -> None:
    pump = Pump(5, 6, 7, 8)
    tally.begin(1, pump)
    taken = tally.unwritten()
    pump.bytes_down = 50
    tally.end(1)
    tally.wrote(taken)
    assert tally.ended() == {1: Traffic(50, 6, 7, 8)}


def test_one_that_never_came_so_far_as_to_be_counted_leaves_no_trace(tally: Tally) -> None:
    tally.end(7)
    assert (tally.viewers, tally.total(), tally.ended()) == (0, Traffic(), {})
