"""When open pages are looked after again: at once after a nudge, and by a look of its own every second.

A page may change without a nudge reaching this process: another process wrote, or the channel layer is away. All that
matters leaves an event row or moves the site's, which the look sees. It also finds who may not be told any more.

Pages are rendered one after the other. Those whom a change concerns, the session's owner and the dashboards, come
first and soon; the others, of which only a number may be another, in a part of the time, however many are open.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
import weakref
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field

from django.conf import settings
from django.db import DatabaseError
from django.urls import set_script_prefix

from remote_service import nudges
from remote_service.database import asked
from remote_service.models import Session, SessionEvent, Site
from remote_service.tasks import spawn
from webui.live import rights
from webui.live.fragments import Fragments
from webui.live.pages import CONCERNED_BY_ALL, Address, fragments_of
from webui.live.rights import Right
from webui.live.turn import Turn

log = logging.getLogger(__name__)

LOOK = 1.0
LEAST_PAUSE = 0.2
"""Seconds between two renderings of one open page."""
MOST_PAGES = 30
"""Open pages of one user."""
SHARE = 4.0
"""One user's pages are rendered in at most one part of so many of the time, and so are all that no change concerns."""
LATEST = 0.1
"""How much the latest rendering counts in what one costs."""


@dataclass(eq=False, slots=True)
class OpenPage:
    """One browser's page."""

    right: Right
    address: Address
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Something is new; this page may be another."""
    concerned: asyncio.Event = field(default_factory=asyncio.Event)
    """What is new concerns this page."""
    withdrawn: asyncio.Event = field(default_factory=asyncio.Event)


class CrowdedError(Exception):
    """A user has as many open pages as are looked after; the page asks by itself now and then instead."""


class Hub:
    """The open pages of this process; lives as long as the event loop."""

    def __init__(self) -> None:
        self._pages: set[OpenPage] = set()
        self._turn = Turn()
        self._cost = 0.0
        self._newest: tuple[object, ...] = ()
        self._running = False

    def join(self, right: Right, address: Address) -> OpenPage:
        """Begins to look after a page.

        Raises:
            CrowdedError: its user has too many already: all pages wait for each other.
        """
        if self._pages_of(right) >= MOST_PAGES:
            raise CrowdedError
        if not self._running:
            self._running = True
            spawn(self._hear(), name="nudges to pages")
            spawn(self._look(), name="look after pages")
        page = OpenPage(right, address)
        self._pages.add(page)
        return page

    def leave(self, page: OpenPage) -> None:
        """Looks after it no more."""
        self._pages.discard(page)

    async def rest(self, page: OpenPage) -> None:
        """Returns when a page that was rendered just now may be again."""
        own = max(LEAST_PAUSE, SHARE * self._cost * self._pages_of(page.right))
        unconcerned = SHARE * self._cost * len(self._pages)
        await asyncio.sleep(own)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, unconcerned - own)):
                await page.concerned.wait()

    async def render(self, page: OpenPage) -> Fragments | None:
        """The page as it is now; None when there is no such page for its user."""

        def rank() -> tuple[int, ...]:
            return (not page.concerned.is_set(), self._pages_of(page.right))

        async with self._turn.taken(rank):
            page.changed.clear()
            page.concerned.clear()
            found, cost = await asked(_rendered, page.right.who, page.address)
            self._cost += (cost - self._cost) * LATEST
        return found

    def _pages_of(self, right: Right) -> int:
        return sum(page.right.who == right.who for page in self._pages)

    def _wake(self, owners: Collection[object] = ()) -> None:
        for page in self._pages:
            page.changed.set()
            if page.right.who in owners or page.address.page in CONCERNED_BY_ALL:
                page.concerned.set()

    async def _hear(self) -> None:
        async with nudges.hearing(nudges.GATEWAY_GROUP) as heard:
            while True:
                await heard.wait()
                sessions = heard.sessions
                heard.clear()
                owners: set[int | None] = set()
                if sessions and self._pages:
                    with suppress(DatabaseError):  # then nobody in particular is concerned
                        owners = await asked(_owners, sessions)
                self._wake(owners)

    async def _look(self) -> None:
        while True:
            if self._pages:
                with suppress(DatabaseError):  # who renders says so; the next look tries again
                    await self.look()
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Looks once."""
        pages = list(self._pages)
        good, newest = await asked(_seen, {page.right for page in pages})
        for page in pages:
            if page.right not in good:
                page.withdrawn.set()
        if newest != self._newest:
            self._newest = newest
            self._wake()


def _seen(wanted: set[Right]) -> tuple[set[Right], tuple[object, ...]]:
    event = SessionEvent.objects.order_by("-pk").values_list("pk").first() or ()
    site = Site.objects.values_list("loaded_at", "reload_done", "external_sessions_enabled").first() or ()
    return rights.good(wanted), (*event, *site)


def _owners(sessions: Collection[str]) -> set[int | None]:
    return set(Session.objects.filter(pk__in=sessions).values_list("owner_id", flat=True))


def _rendered(who: int | uuid.UUID, address: Address) -> tuple[Fragments | None, float]:
    """The page, and the seconds of processor time that it took."""
    began = time.thread_time()
    # What Django's handlers do for a request, from which links take the site's path.
    set_script_prefix(f"{settings.FORCE_SCRIPT_NAME or ''}/")
    found = fragments_of(who, address)
    return found, time.thread_time() - began


_hubs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = weakref.WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _hubs.get(loop)
    if found is None:
        found = _hubs[loop] = Hub()
    return found
