"""A crash test from the beginning to the verdict."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from remote_service.tasks import spawn
from tests.crash.auditor import Auditor, Verdict
from tests.crash.killer import Killer
from tests.crash.plan import plan
from tests.crash.probes import Probes
from tests.crash.processes import end_all
from tests.crash.site import CrashSite
from tests.crash.story import Story
from tests.crash.users import User

WARM_UP = 60.0
"""Seconds that the site has to serve for the first time."""
BUSY_USERS = 8
"""More of them take more time each, so that a small machine is not busy with them alone."""
LEAVES_WITHIN = 90.0
"""Seconds that all users have to be through with what they do."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to run."""

    seed: str
    kills: int
    users: int
    only: tuple[str, ...] = ()
    """Kinds of blows, instead of all."""
    seconds: float = math.inf
    """After which no more blows come."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it."""

    story: Story
    verdict: Verdict
    sessions: int
    seconds: float


async def crash(order: Order, root: Path, variables: Mapping[str, str]) -> Result:
    """Runs one on a site below `root`."""
    began = time.monotonic()
    site = CrashSite(root, max(4, order.users), variables)
    story = Story()
    auditor, probes = Auditor(site, story), Probes(site, story)
    leisure = max(1.0, order.users / BUSY_USERS)
    users = [User(f"user {n}", site, story, f"{order.seed} {n}", leisure) for n in range(order.users)]
    site.begin()
    async with asyncio.timeout(WARM_UP):
        await probes.prepare()
    enough = asyncio.Event()
    living = [spawn(user.live(enough), name="a user") for user in users]
    watching = spawn(auditor.watch_slots(), name="double slots")
    try:
        await Killer(site, story, probes, order.seed).carry_out(
            plan(order.seed, order.kills, order.only), order.seconds
        )
        enough.set()
        async with asyncio.timeout(LEAVES_WITHIN):
            await asyncio.gather(*living)
        await auditor.settled()
        await asyncio.gather(*(user.last_look() for user in users))
        await asyncio.to_thread(auditor.compare_living)
        await asyncio.gather(*(user.leave() for user in users), probes.finish())
        await auditor.settled()
    finally:
        watching.cancel()
        for each in living:
            each.cancel()
        ended = await site.stop()
        auditor.compare_ended(ended)
        end_all(root)
    ((sessions,),) = site.query("SELECT count(*) FROM remote_service_session WHERE running_at IS NOT NULL")
    return Result(story, auditor.verdict, int(sessions), time.monotonic() - began)
