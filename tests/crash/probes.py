"""How long it takes after a kill until the site serves again: a view, and a launch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from websockets.exceptions import WebSocketException

from remote_service.tasks import spawn
from tests.crash.client import Client
from tests.crash.lines import Refused, Slot, open_screen, reserve
from tests.crash.site import PROBE, CrashSite
from tests.crash.story import Story

VIEW_EVERY, LAUNCH_EVERY = 0.5, 2.0
"""Seconds between two attempts: one that hangs keeps no other from trying, and they shall not be what holds it up."""
AGAIN = 0.25
"""Seconds until the next one after one that failed."""
PATIENCE = 60.0
"""Seconds after which service counts as not back at all."""
_FAILURES = (OSError, EOFError, WebSocketException, Refused, AssertionError)


class Probes:
    """Has a session of its own to look at, and launches others."""

    def __init__(self, site: CrashSite, story: Story) -> None:
        self._site = site
        self._story = story
        self._client = Client("probe", site, story)
        self._mine: Slot | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    async def prepare(self) -> None:
        """Launches the session to look at."""
        self._mine = await self._client.reserve(PROBE)
        why = await self._client.visit(self._mine, 0.0)
        assert not why, why

    async def finish(self) -> None:
        """Ends all it has launched."""
        assert self._mine is not None
        self._leave(self._mine)
        await asyncio.gather(*self._leaving)

    async def back(self, since: float) -> tuple[float, float]:
        """Seconds from then until a view worked, and until a launch did; attempts begin from now on."""
        view, launch = await asyncio.gather(_first(self._view, VIEW_EVERY), _first(self._launch, LAUNCH_EVERY))
        return view - since, launch - since

    async def _view(self) -> None:
        assert self._mine is not None
        await self._look(self._mine)

    async def _launch(self) -> None:
        slot = await reserve(self._site, PROBE)
        try:
            await self._look(slot)
        finally:
            self._leave(slot)

    async def _look(self, slot: Slot) -> None:
        screen = await open_screen(self._site, slot)
        try:
            await screen.look()
            self._story.seen.add(slot.token)
        finally:
            screen.cut()

    def _leave(self, slot: Slot) -> None:
        self._story.stopped.add(slot.token)
        leaving = spawn(self._client.release(slot), name="release of a probe")
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)


async def _first(attempt: Callable[[], Awaitable[None]], every: float) -> float:
    """When the first of several attempts has succeeded; after `PATIENCE` the moment of giving up."""
    deadline = time.monotonic() + PATIENCE
    running: set[asyncio.Task[bool]] = set()
    try:
        while time.monotonic() < deadline:
            running.add(spawn(_succeeds(attempt), name="probe"))
            done, running = await asyncio.wait(running, timeout=every, return_when=asyncio.FIRST_COMPLETED)
            if any(task.result() for task in done):
                break
            if done:
                await asyncio.sleep(AGAIN)
        return time.monotonic()
    finally:
        for task in running:
            task.cancel()


async def _succeeds(attempt: Callable[[], Awaitable[None]]) -> bool:
    try:
        await attempt()
    except _FAILURES:
        return False
    return True
