"""Carries the plan out."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress
from random import Random

from remote_service.tasks import spawn
from tests.crash.client import Client
from tests.crash.plan import PAUSED, POINTS, RANDOM, Blow
from tests.crash.probes import Probes
from tests.crash.processes import Process, processes
from tests.crash.site import OUTLIVING, PATTERN, CrashSite, uuid_text
from tests.crash.story import Kill, Story
from tests.crash.users import be_impatient, be_unlucky, change_mind

LEASE = 5.0
PAUSE = 1.6 * LEASE
"""Seconds for which a supervisor is paused."""
POINT_PATIENCE = 20.0
"""Seconds in which somebody must come to a point."""
PROVOKED_BY = {"reserved-drop": change_mind, "starting-stop": be_impatient, "stopping-fail": be_unlucky}
"""Who leads a session to a point to which few come by themselves."""
HELD = ("runner", "worker")


class Killer:
    """Kills, and measures how long the site takes to serve again."""

    def __init__(self, site: CrashSite, story: Story, probes: Probes, seed: str) -> None:
        self._site = site
        self._story = story
        self._probes = probes
        self._dice = Random(f"{seed} victims")
        self._provoker = Client("provoker", site, story)
        self._beside: set[asyncio.Task[None]] = set()
        """What goes on while the next blow comes."""

    async def carry_out(self, blows: list[Blow], seconds: float) -> None:
        """All of them, or as many as there is time for."""
        end = time.monotonic() + seconds
        for number, blow in enumerate(blows, 1):
            if time.monotonic() > end:
                print(f"the time is over after {number - 1}")
                break
            await asyncio.sleep(blow.pause)
            kill = await (self._at_point(blow.kind) if blow.kind in POINTS else self._at_random(blow.kind))
            print(f"{number:4} {blow.kind}{'' if kill else ': nobody to kill'}", end="", flush=True)
            if kill is None or blow.at_once:
                print()
                continue
            view, launch = await self._probes.back(kill.at)
            self._story.waits.append((blow.kind, view, launch))
            print(f": a view after {view:.1f} s, a launch after {launch:.1f} s", flush=True)
        if self._beside:
            await asyncio.wait(self._beside)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    # ---- at a point -------------------------------------------------------------------------------------

    async def _at_point(self, point: str) -> Kill | None:
        order = self._site.orders / point
        order.touch()
        provoking = spawn(self._provoke(point), name=f"provokes {point}")
        deadline = time.monotonic() + POINT_PATIENCE
        try:
            while order.exists():
                if time.monotonic() > deadline:
                    with suppress(FileNotFoundError):
                        order.unlink()
                        return None
                await asyncio.sleep(0.01)
            return self._story.killed(point, 0)
        finally:
            self._keep(provoking)

    async def _provoke(self, point: str) -> None:
        provoke = PROVOKED_BY.get(point.partition("-")[2])
        if provoke is not None:
            await provoke(self._provoker)
            return
        slot = await self._provoker.reserve(PATTERN)
        why = await self._provoker.visit(slot, 0.0)
        if why:
            self._provoker.missed(slot, why)
        await self._provoker.release(slot)

    # ---- at a random moment -----------------------------------------------------------------------------

    async def _at_random(self, kind: str) -> Kill | None:
        deadline = time.monotonic() + POINT_PATIENCE
        while time.monotonic() < deadline:
            candidates = await asyncio.to_thread(self._candidates, kind)
            if candidates:
                victim = self._dice.choice(candidates)
                if kind == PAUSED:
                    return self._pause(victim)
                with suppress(ProcessLookupError):
                    os.kill(victim.pid, signal.SIGKILL)
                    return self._story.killed(kind, victim.pid, victim.session)
            await asyncio.sleep(0.2)
        return None

    def _candidates(self, kind: str) -> list[Process]:
        found = processes(self._site.root)
        if kind in (PAUSED, "supervising"):
            ((process,),) = self._site.query("SELECT process FROM remote_service_lease")
            return [each for each in found if str(each.pid) == process.split(" ")[0]]
        assert kind in RANDOM
        alike = [each for each in found if each.kind == kind]
        if kind not in HELD:
            return alike
        rows = self._site.query("SELECT id, type_name FROM remote_service_session WHERE state = 'running'")
        outliving = {uuid_text(session) for session, type_name in rows if type_name in OUTLIVING}
        return [each for each in alike if each.session in outliving]

    def _pause(self, victim: Process) -> Kill:
        os.kill(victim.pid, signal.SIGSTOP)
        self._keep(spawn(_resume(victim.pid), name="end of a pause"))
        return self._story.killed(PAUSED, victim.pid)


async def _resume(pid: int) -> None:
    await asyncio.sleep(PAUSE)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
