"""This process as a gateway: its heartbeat, its viewers' rows, and what it watches for them.

One task looks once a second at all sessions that have viewers here, in one query; a nudge makes it look at once.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
import weakref
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from asgiref.sync import sync_to_async
from django.db import DatabaseError

from remote_service import nudges
from remote_service.relay import rows, traffic, traffic_rows
from remote_service.relay.grants import Grant
from remote_service.relay.rows import Glimpse
from remote_service.rfb.policy import Policy
from remote_service.tasks import spawn

log = logging.getLogger(__name__)

TRAFFIC = 10.0
"""Seconds after which what open viewers have carried is written; of one that leaves it is written at once."""
HEARTBEAT = 2.0
LOOK = 1.0
NOTHING = Policy(view_only=True, no_clipboard_out=True)
"""For whom nothing is allowed any more, until it is sent away."""


@dataclass(eq=False, slots=True)
class Watch:
    """One viewer's eye on its session."""

    grant: Grant
    viewer_id: int
    glimpse: Glimpse
    policy: Policy
    """What the viewer may do now."""
    withdrawn: bool = False
    """The login that vouches for the viewer has ended, or its user may not do any more what was granted."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, condition: Callable[[Watch], bool]) -> None:
        """Waits until the condition holds."""
        while not condition(self):
            self.changed.clear()
            await self.changed.wait()


class GatewayProcess:
    """The gateway side of this process; lives as long as the event loop."""

    def __init__(self) -> None:
        self.id = uuid.uuid4()
        self._watches: dict[uuid.UUID, set[Watch]] = defaultdict(set)
        self._again = asyncio.Event()
        self._used: set[uuid.UUID] = set()
        self._left: dict[int, bool] = {}
        """Viewers that have left and whose rows do not say so yet, and whether they said goodbye."""
        self._writing = asyncio.Lock()
        self._running = False
        self.tally = traffic.Tally()
        self._wrote_traffic = 0.0

    async def open_viewer(self, grant: Grant) -> Watch:
        """Writes the viewer's row and begins to watch its session."""
        if not self._running:
            self._running = True
            spawn(self._beat(), name="gateway heartbeat")
            spawn(self._look(), name="gateway look")
        viewer_id, glimpse, policy = await sync_to_async(rows.open_viewer)(self.id, grant)
        watch = Watch(grant, viewer_id, glimpse, policy or NOTHING, withdrawn=policy is None)
        self._watches[grant.session_id].add(watch)
        self._again.set()
        return watch

    def carries(self, watch: Watch, carrier: traffic.Carrier) -> None:
        """Counts what is carried for a viewer from now on."""
        self.tally.begin(watch.viewer_id, carrier)

    async def close_viewer(self, watch: Watch, *, clean: bool) -> None:
        """Writes that a viewer has left, now or as soon as the database can be reached; harmless when it has been."""
        watches = self._watches[watch.grant.session_id]
        watches.discard(watch)
        if not watches:
            del self._watches[watch.grant.session_id]
        self._left[watch.viewer_id] = clean
        self.tally.end(watch.viewer_id)
        await self._guarded(self._write_left)

    async def _write_traffic(self) -> None:
        if changed := self.tally.unwritten():
            await sync_to_async(traffic_rows.write_traffic)(changed)
            self.tally.wrote(changed)

    async def _write_left(self) -> None:
        # One at a time: of hundreds that leave at once each would write all the others too.
        async with self._writing:
            if ended := self.tally.ended():
                await sync_to_async(traffic_rows.write_traffic)(ended)
                self.tally.wrote(ended)
            for viewer_id, clean in list(self._left.items()):
                await sync_to_async(rows.close_viewer)(viewer_id, clean=clean)
                self._left.pop(viewer_id, None)

    async def viewer_lost_endpoint(self, watch: Watch) -> None:
        """Writes that the endpoint hung up, while the viewer still waits to be told why."""
        await sync_to_async(rows.close_viewer)(watch.viewer_id, clean=False)

    def input_seen(self, session_id: uuid.UUID) -> None:
        """Somebody used the session; written with the next heartbeat."""
        self._used.add(session_id)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            await self._guarded(self._beat_once)

    async def _beat_once(self) -> None:
        used, self._used = self._used, set()
        here = [watch.viewer_id for watches in self._watches.values() for watch in watches]
        try:
            await sync_to_async(rows.beat)(self.id, used, here)
        except DatabaseError:
            self._used |= used
            raise
        await self._write_left()
        now = asyncio.get_running_loop().time()
        if now - self._wrote_traffic >= TRAFFIC:
            self._wrote_traffic = now
            await self._write_traffic()

    async def _look(self) -> None:
        async with nudges.hearing(nudges.GATEWAY_GROUP) as self._again:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK):
                        await self._again.wait()
                self._again.clear()
                if self._watches:
                    await self._guarded(self._look_once)

    async def _look_once(self) -> None:
        here = [watch for watches in self._watches.values() for watch in watches]
        glimpses, policies = await sync_to_async(rows.look)({watch.grant for watch in here})
        for watch in here:
            watch.glimpse = glimpses.get(watch.grant.session_id, rows.GONE)
            watch.withdrawn = watch.grant not in policies
            watch.policy = policies.get(watch.grant, watch.policy)
            watch.changed.set()

    async def _guarded(self, work: Callable[[], Awaitable[object]]) -> None:
        """A database out of reach is no reason to cut a viewer's line: the next round tries again."""
        try:
            await work()
        except DatabaseError as error:
            log.warning("the gateway could not reach the database: %s", error)


_gateways: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, GatewayProcess] = weakref.WeakKeyDictionary()


def gateway() -> GatewayProcess:
    """The gateway of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _gateways.get(loop)
    if found is None:
        found = _gateways[loop] = GatewayProcess()
    return found
