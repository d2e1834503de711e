"""When a supervisor that stands by takes the lease. With a database and sessions: tests/integration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from remote_service.earlier_release import EarlierRelease
from remote_service.lease import Claim, Fence
from remote_service.supervision import candidate
from remote_service.supervision.candidate import Candidate
from remote_service.supervisor import Supervisor

Looks = list[tuple[float, bool]]
"""When it looks (monotonic seconds), and whether the database answers."""


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch, gateway_settings: Any) -> Callable[[Looks], Supervisor]:
    """A supervisor that looks so, at a lease that somebody on another machine holds and never renews."""
    claim = Claim("somebody", 3, 7, "another machine:/srv", "", timezone.now())

    def supervisor(looks: Looks) -> Supervisor:
        clock = SimpleNamespace(monotonic=lambda: clock.now)
        coming: Iterator[tuple[float, bool]] = iter(looks)

        def look() -> Claim:
            clock.now, answers = next(coming)
            if not answers:
                raise OperationalError("connection timeout expired")
            return claim

        async def at_once(_self: Supervisor, _seconds: float) -> None:
            pass

        monkeypatch.setattr(candidate.lease, "look", look)
        monkeypatch.setattr(candidate.lease, "take", lambda _claim, _place, _memory: Fence("us", int(clock.now)))
        monkeypatch.setattr(candidate, "_published", lambda: None)
        monkeypatch.setattr(candidate.same_site, "complain", lambda _place: None)
        monkeypatch.setattr(EarlierRelease, "is_at_work", lambda *_: False)
        monkeypatch.setattr("remote_service.supervisor.db.close_old_connections", lambda: None)
        monkeypatch.setattr(Supervisor, "_wait", at_once)
        made = Supervisor(gateway_settings)
        made._candidate = Candidate(gateway_settings, clock.monotonic)
        return made

    return supervisor


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
