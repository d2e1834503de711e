"""Users: each launches, looks, has its line cut, comes back, stops; what it does next is drawn from its own dice."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random

from remote_service.tasks import spawn
from tests.crash.client import Client
from tests.crash.lines import Slot
from tests.crash.site import BROKEN, DESKTOP, NEXUS, PATTERN, SLOW, CrashSite
from tests.crash.story import Story

MOODS = {"ordinary": 78, "changes its mind": 6, "impatient": 8, "unlucky": 8}
TYPES = {DESKTOP: 3, PATTERN: 4, NEXUS: 2}
STAY = (0.2, 4.0)
AWAY = (0.2, 6.0)
"""Seconds, from and to."""
MOST_VISITS = 8
SAID_GOODBYE = 0.4
"""How often a visit ends with a goodbye and not by a line that is cut."""


class User:
    """One of them."""

    def __init__(self, name: str, site: CrashSite, story: Story, seed: str, leisure: float) -> None:
        """Prepares.

        Args:
            name: the user's.
            site: where.
            story: what is written down.
            seed: of the dice.
            leisure: how many times longer than usual it stays and is away.
        """
        self._leisure = leisure
        self._client = Client(name, site, story)
        self._dice = Random(seed)
        self._slot: Slot | None = None
        """What it believes to have."""

    async def live(self, enough: asyncio.Event) -> None:
        """Uses one session after another until there is enough; the last one is kept."""
        while not enough.is_set():
            (mood,) = self._dice.choices(list(MOODS), list(MOODS.values()))
            if mood == "ordinary":
                await self._use(enough)
            elif mood == "changes its mind":
                await change_mind(self._client)
            elif mood == "impatient":
                await be_impatient(self._client)
            else:
                await be_unlucky(self._client)
            await _pause(enough, self._between(AWAY))

    async def last_look(self) -> None:
        """Comes back to what it has."""
        if self._slot is not None:
            await self._visit(self._slot, 0.1)

    async def leave(self) -> None:
        """Stops what it has."""
        if self._slot is not None:
            await self._client.release(self._slot)
            self._slot = None

    async def _use(self, enough: asyncio.Event) -> None:
        (type_name,) = self._dice.choices(list(TYPES), list(TYPES.values()))
        self._slot = await self._client.reserve(type_name)
        for _ in range(self._dice.randint(2, MOST_VISITS)):
            if not await self._visit(self._slot, self._between(STAY)):
                return
            await _pause(enough, self._between(AWAY))
            if enough.is_set():
                return
        await self.leave()

    def _between(self, seconds: tuple[float, float]) -> float:
        return self._leisure * self._dice.uniform(*seconds)

    async def _visit(self, slot: Slot, seconds: float) -> bool:
        why = await self._client.visit(slot, seconds, goodbye=self._dice.random() < SAID_GOODBYE)
        if why:
            self._client.missed(slot, why)
            self._slot = None
        return not why


async def change_mind(client: Client) -> None:
    """Gives a slot back before anything is started in it."""
    await client.release(await client.reserve(PATTERN))


async def be_impatient(client: Client) -> None:
    """Stops a session that is still starting."""
    slot = await client.reserve(SLOW)
    opening = spawn(client.visit(slot, 0.0, patience=5.0), name="impatient")
    await asyncio.sleep(0.5)
    await client.release(slot)
    opening.cancel()
    await asyncio.wait({opening})


async def be_unlucky(client: Client) -> None:
    """Launches what cannot be started, and is told so."""
    slot = await client.reserve(BROKEN)
    why = await client.visit(slot, 0.0)
    # Whoever was cut off and comes back to what is over is refused.
    if not why.startswith(("4010", "HTTP 403")):
        client.wonder(slot, f"a type that cannot be started ended with {why or 'a screen'}")
    await client.release(slot)


async def _pause(enough: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await enough.wait()
