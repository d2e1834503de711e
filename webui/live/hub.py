"""When open pages are looked after again: at once after a nudge, and by a look of its own every second.

A page may change without a nudge reaching this process: another process wrote, or the channel layer is away. All that
matters leaves an event row or moves the site's, which the look sees. It also finds who may not be told any more.
"""

from __future__ import annotations

import asyncio
import logging
import time
import weakref
from contextlib import suppress
from dataclasses import dataclass, field

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError
from django.urls import set_script_prefix

from remote_service import nudges
from remote_service.models import SessionEvent, Site
from remote_service.tasks import spawn
from webui.live import rights
from webui.live.fragments import Fragments
from webui.live.pages import Address, fragments_of
from webui.live.rights import Right

log = logging.getLogger(__name__)

LOOK = 1.0
LEAST_PAUSE = 0.2
"""Seconds between two renderings of one open page."""
MOST_PAGES = 30
"""Open pages of one user."""
SHARE = 4.0
"""Pages are rendered one after the other, in at most one part of so many of the time, however many are open."""


@dataclass(eq=False, slots=True)
class OpenPage:
    """One browser's page."""

    right: Right
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    withdrawn: asyncio.Event = field(default_factory=asyncio.Event)


class CrowdedError(Exception):
    """A user has as many open pages as are looked after; the page asks by itself now and then instead."""


class Hub:
    """The open pages of this process; lives as long as the event loop."""

    def __init__(self) -> None:
        self._pages: set[OpenPage] = set()
        self._turn = asyncio.Lock()
        self._cost = 0.0
        self._newest: tuple[object, ...] = ()
        self._running = False

    def join(self, right: Right) -> OpenPage:
        """Begins to look after a page.

        Raises:
            CrowdedError: its user has too many already: all pages wait for each other.
        """
        if sum(page.right.user_id == right.user_id for page in self._pages) >= MOST_PAGES:
            raise CrowdedError
        if not self._running:
            self._running = True
            spawn(self._hear(), name="nudges to pages")
            spawn(self._look(), name="look after pages")
        page = OpenPage(right)
        self._pages.add(page)
        return page

    def leave(self, page: OpenPage) -> None:
        """Looks after it no more."""
        self._pages.discard(page)

    @property
    def pause(self) -> float:
        """Seconds to wait after a rendering before the same page is rendered again."""
        return max(LEAST_PAUSE, SHARE * self._cost * len(self._pages))

    async def render(self, right: Right, address: Address) -> Fragments | None:
        """The page as it is now; None when there is no such page for its user."""
        async with self._turn:
            began = time.monotonic()
            found = await sync_to_async(_rendered)(right.user_id, address)
            self._cost = time.monotonic() - began
        return found

    def _wake(self) -> None:
        for page in self._pages:
            page.changed.set()

    async def _hear(self) -> None:
        async with nudges.hearing(nudges.GATEWAY_GROUP) as heard:
            while True:
                await heard.wait()
                heard.clear()
                self._wake()

    async def _look(self) -> None:
        while True:
            if self._pages:
                with suppress(DatabaseError):  # who renders says so; the next look tries again
                    await self.look()
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Looks once."""
        pages = list(self._pages)
        good, newest = await sync_to_async(_seen)({page.right for page in pages})
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


def _rendered(user_id: int, address: Address) -> Fragments | None:
    # What Django's handlers do for a request, from which links take the site's path.
    set_script_prefix(f"{settings.FORCE_SCRIPT_NAME or ''}/")
    return fragments_of(user_id, address)


_hubs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = weakref.WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _hubs.get(loop)
    if found is None:
        found = _hubs[loop] = Hub()
    return found
