"""When a supervisor that stands by takes the lease. With a database and sessions: tests/integration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from remote_service import supervisor
from remote_service.lease import Claim, Fence
from remote_service.supervisor import Supervisor

Looks = list[tuple[float, bool]]
"""When it looks (monotonic seconds), and whether the database answers."""


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch, gateway_settings: Any) -> Callable[[Looks], Supervisor]:
    """A supervisor that looks so, at a lease that somebody on another machine holds and never renews."""
    claim = Claim("somebody", 3, 7, "another machine:/srv", "", timezone.now())

    def made(looks: Looks) -> Supervisor:
        clock = SimpleNamespace(monotonic=lambda: clock.now)
        coming: Iterator[tuple[float, bool]] = iter(looks)

        def look() -> Claim:
            clock.now, answers = next(coming)
            if not answers:
                raise OperationalError("connection timeout expired")
            return claim

        async def at_once(_self: Supervisor, _seconds: float) -> None:
            pass

        monkeypatch.setattr(supervisor, "time", clock)
        monkeypatch.setattr(supervisor.lease, "look", look)
        monkeypatch.setattr(supervisor.lease, "take", lambda _claim, _place: Fence("us", int(clock.now)))
        monkeypatch.setattr(Supervisor, "_wait", at_once)
        return Supervisor(gateway_settings)

    return made


async def test_a_lease_that_stands_still_for_its_time_is_taken(looking: Callable[[Looks], Supervisor]) -> None:
    fence = await looking([(0, True), (4, True), (5, True)])._acquire()
    assert fence is not None
    assert fence.epoch == 5


async def test_while_the_database_is_away_nobody_can_renew_so_that_time_does_not_count(
    looking: Callable[[Looks], Supervisor],
) -> None:
    fence = await looking([(0, True), (4, False), (100, True), (104, True), (105, True)])._acquire()
    assert fence is not None
    assert fence.epoch == 105
