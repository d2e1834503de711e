"""What is known of a session beyond its row, and when something may be tried again: with a clock of the test's own."""

from __future__ import annotations

from typing import cast

import pytest

from remote_service.decisions import Runner
from remote_service.hosting.client import RunnerLink
from remote_service.hosting.status import Phase, Status
from remote_service.supervision.charges import FIRST_WAIT, FORGIVEN_AFTER, MOST_WAIT, Attempts, Charge
from tests.clock import Clock

LINK = cast("RunnerLink", object())


def gaps(attempts: Attempts, clock: Clock, number: int) -> list[float]:
    """The seconds between attempts that are made as soon as they may."""
    found = []
    for _ in range(number):
        began = clock.now
        attempts.tried()
        while not attempts.due:
            clock.now += 0.25
        found.append(clock.now - began)
    return found


def test_the_first_attempt_is_made_at_once_and_each_further_one_waits_twice_as_long() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    assert attempts.due
    assert gaps(attempts, clock, 9) == [FIRST_WAIT, 2.0, 4.0, 8.0, 16.0, 32.0, MOST_WAIT, MOST_WAIT, MOST_WAIT]


def test_after_a_long_time_an_attempt_is_the_first_one_again() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    gaps(attempts, clock, 4)
    clock.now += FORGIVEN_AFTER
    assert gaps(attempts, clock, 2) == [FIRST_WAIT, 2.0]


@pytest.mark.parametrize(
    ("status", "over"),
    [(None, False), (Status("s", phase=Phase.CLEANING), False), (Status("s", phase=Phase.OVER), True)],
)
def test_it_is_over_when_its_runner_says_so(status: Status | None, over: bool) -> None:
    assert Charge(status=status).over is over


@pytest.mark.parametrize(
    ("charge", "process"),
    [
        (Charge(), None),
        (Charge(status=Status("s")), None),
        (Charge(status=Status("s", runner=4711)), 4711),
        (Charge(pid=4242, status=Status("s", runner=4711)), 4242),
    ],
    ids=["unheard", "of the version before", "adopted", "forked by us"],
)
def test_its_runners_process_is_known_of_its_birth_or_by_its_own_word(charge: Charge, process: int | None) -> None:
    assert charge.process == process


def test_nobody_has_looked_for_the_runner_of_a_new_one() -> None:
    assert (Charge().runner, Charge().link, Charge().trouble) == (Runner.UNSEEN, None, "")


def test_another_runner_has_said_nothing_yet() -> None:
    charge = Charge(status=Status("s"), runner=Runner.LOST)
    charge.hold(LINK)
    assert (charge.runner, charge.link, charge.status) == (Runner.HERE, LINK, None)


def test_what_a_runner_says_ends_the_doubt() -> None:
    charge = Charge(trouble="It does not answer.")
    charge.hold(LINK)
    assert charge.trouble == "It does not answer."
    charge.heard(Status("s"))
    assert (charge.trouble, charge.changed.is_set()) == ("", True)


def test_a_runner_is_lost_or_missed() -> None:
    lost, missed = Charge(), Charge()
    lost.lose()
    missed.miss("It does not answer.")
    assert (lost.runner, lost.trouble, lost.changed.is_set()) == (Runner.LOST, "", True)
    assert (missed.runner, missed.trouble, missed.changed.is_set()) == (Runner.AWAY, "It does not answer.", True)
