"""A short crash test: nothing is lost, left over, doubled or wrong, whatever is killed."""

from __future__ import annotations

import asyncio

import pytest

from tests.crash.backends import backends
from tests.crash.plan import PAUSED, POINTS, plan
from tests.crash.report import lines
from tests.crash.run import Order, crash
from tests.environment import folder

SHORT = Order(seed="short", kills=14, users=6)
SERVES_AGAIN_WITHIN = 30.0
"""Seconds. The promise is 10; here other tests take turns on the same processors."""


@pytest.mark.timeout(280)
def test_nothing_is_lost_whatever_is_killed() -> None:
    with folder("crash") as root, backends(root) as variables:
        result = asyncio.run(crash(SHORT, root, variables))

    report = "\n".join(lines(result))
    verdict = result.verdict
    assert (verdict.lost, verdict.leaked, verdict.double, verdict.wrong) == ([], [], [], []), report
    assert max(max(view, launch) for _, view, launch in result.story.waits) < SERVES_AGAIN_WITHIN, report
    assert len(result.story.kills) == SHORT.kills, report


def test_a_seed_repeats_its_plan_and_every_point_comes() -> None:
    assert plan("a", 200) == plan("a", 200) != plan("b", 200)
    kinds = [blow.kind for blow in plan("a", 200)]
    assert set(POINTS) <= set(kinds)
    assert {"keeper", "relay", "supervisor", "runner", PAUSED} <= set(kinds)
