"""The clerk that asks the database: a gateway's heartbeat, its viewers' rows, and what it watches for them.

One task looks once a second at all sessions that have viewers here, in one query; a nudge makes it look at once.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
import weakref
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.db import DatabaseError, close_old_connections

from remote_service import lifecycle, nudges
from remote_service.relay import closing, grants, rows, traffic, traffic_rows
from remote_service.relay.book import Book
from remote_service.relay.clerk import MOST_UNKNOWN, ClerkError, NoPasswordError
from remote_service.relay.closing import CUT, Leaving
from remote_service.relay.grants import Admission
from remote_service.relay.own_services import Rules
from remote_service.relay.proof import Claim
from remote_service.relay.site_rules import rules_in_force
from remote_service.relay.watch import GONE, NOTHING, Grant, Watch
from remote_service.sealing import SealError, unseal
from remote_service.states import EndReason, State
from remote_service.tasks import spawn

log = logging.getLogger(__name__)

TRAFFIC = 10.0
"""Seconds after which what open viewers have carried is written; of one that leaves it is written at once."""
HEARTBEAT = 2.0
LOOK = 1.0

T = TypeVar("T")


class GatewayProcess:
    """The gateway side of a process that relays; lives as long as its event loop."""

    def __init__(self, gateway_id: uuid.UUID | None = None, looked: Callable[[], None] = lambda: None) -> None:
        """Prepares.

        Args:
            gateway_id: of a process that relays elsewhere and asks this one; a new one otherwise.
            looked: called when what the watches show is new, or known to be as it was.
        """
        self.id = gateway_id or uuid.uuid4()
        self._looked = looked
        self._watches: dict[uuid.UUID, set[Watch]] = defaultdict(set)
        self._heard = nudges.Heard()
        self._used: set[uuid.UUID] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self.tally = traffic.Tally()
        self._book = Book(self.id, self.tally)
        self._passwords: dict[uuid.UUID, str] = {}
        """Sealed, of sessions that run and are watched; while they run these stay what they are."""
        self._admitted: dict[Grant, list[Watch]] = defaultdict(list)
        """Those who were let in and have not come to be served yet."""
        self._wrote_traffic = 0.0
        self._known = 0.0
        """When the database was last seen to answer, by the event loop's clock."""

    @property
    def rules(self) -> Rules:
        """The site's."""
        return rules_in_force()

    # ---- viewers ----------------------------------------------------------------------------------------

    async def admit(self, scope: dict[str, Any]) -> Grant:
        """Decides about a websocket, and writes its viewer's row; the viewer comes by `open_viewer`, or else `forget`.

        Raises:
            RefusedError: it is not let in.
            ClerkError: the database does not answer.
        """
        watch = await self._come(partial(grants.admit, scope))
        self._admitted[watch.grant].append(watch)
        return watch.grant

    async def forget(self, grant: Grant) -> None:
        """Whoever was admitted with this does not come; harmless when they did."""
        if watch := self._taken(grant):
            await self.close_viewer(watch, CUT)

    async def open_viewer(self, grant: Grant) -> Watch:
        """Writes the viewer's row, unless it was admitted here, and begins to watch its session.

        Raises:
            ClerkError: the database does not answer.
        """
        return self._taken(grant) or await self._come(partial(grants.admit_again, grant))

    def _taken(self, grant: Grant) -> Watch | None:
        waiting = self._admitted.get(grant)
        if not waiting:
            return None
        watch = waiting.pop()
        if not waiting:
            del self._admitted[grant]
        return watch

    async def _come(self, decide: Callable[[], Admission]) -> Watch:
        ears, heard = self._heard, self._heard.count
        try:
            visit = await self._book.come(decide)
        except DatabaseError as error:
            raise _out_of_reach(error) from error
        self._known = asyncio.get_running_loop().time()
        found = visit.admission
        policy = found.policy or NOTHING
        watch = Watch(found.grant, visit.viewer_id, found.glimpse, policy, withdrawn=found.policy is None)
        if found.glimpse.state is State.RUNNING:
            self._passwords[found.grant.session_id] = found.sealed_password
        if self._tasks and ears is self._heard and heard == ears.count:
            # Nothing has changed since its session was read: there is no need to look again.
            self._watches[found.grant.session_id].add(watch)
        else:
            self.watch_again(watch)
        return watch

    def watch_again(self, watch: Watch) -> None:
        """Begins to watch for a viewer whose row is there."""
        if not self._tasks:
            self._tasks = [
                spawn(self._beat(), name="gateway heartbeat"),
                spawn(self._look(), name="gateway look"),
                spawn(self._give_up_when_unknown(), name="gateway patience"),
            ]
        self._watches[watch.grant.session_id].add(watch)
        self._heard.set()

    async def cut_all_but(self, viewers: Collection[int], among: Collection[int] | None = None) -> Collection[int]:
        """Counts all viewers in its name as cut that are not these; those `among` which it finds alone, if it is given.

        Returns what it found; raises ClerkError when the database does not answer.
        """
        strays = await self._ask(rows.strays, self.id, tuple(viewers))
        await asyncio.gather(*(self._book.leave(v, CUT, urgent=True) for v in strays if among is None or v in among))
        return strays

    @property
    def watches(self) -> list[Watch]:
        """All of them."""
        return [watch for watches in self._watches.values() for watch in watches]

    def end(self) -> None:
        """Looks no more, and moves no heartbeat."""
        for task in self._tasks:
            task.cancel()

    def carries(self, watch: Watch, carrier: traffic.Carrier) -> None:
        """Counts what is carried for a viewer from now on."""
        self.tally.begin(watch.viewer_id, carrier)

    async def close_viewer(self, watch: Watch, leaving: Leaving) -> None:
        """Writes that a viewer has left, now or as soon as the database can be reached; harmless when it has been."""
        watches = self._watches[watch.grant.session_id]
        watches.discard(watch)
        if not watches:
            del self._watches[watch.grant.session_id]
            self._passwords.pop(watch.grant.session_id, None)
        self.tally.end(watch.viewer_id)
        await self._book.leave(watch.viewer_id, leaving)

    async def _write_traffic(self) -> None:
        if changed := self.tally.unwritten():
            await sync_to_async(traffic_rows.write_traffic)(changed)
            self.tally.wrote(changed)

    def input_seen(self, session_id: uuid.UUID) -> None:
        """Somebody used the session; written with the next heartbeat."""
        self._used.add(session_id)

    # ---- endpoints --------------------------------------------------------------------------------------

    async def password_of(self, session_id: uuid.UUID) -> str | None:
        """See `Clerk`."""
        try:
            if (sealed := self._passwords.get(session_id)) is not None:
                return unseal(sealed) or None
            return await self._ask(rows.password_of, session_id)
        except SealError as error:
            raise NoPasswordError(str(error)) from error

    def claim_of(self, watch: Watch) -> Claim:
        """See `Clerk`."""
        return rows.claim_of(watch.grant.session_id, watch.glimpse)

    async def unprotected(self, session_id: uuid.UUID, where: str) -> None:
        """See `Clerk`."""
        with suppress(ClerkError):
            if await self._ask(rows.mark_unprotected, session_id, where):
                log.warning(
                    "session %s: the VNC server at %s asks for no password: whoever reaches that port is let in",
                    session_id, where,
                )  # fmt: skip

    async def viewer_refused(self, watch: Watch, why: str) -> None:
        """See `Clerk`."""
        await self._ask(lifecycle.note_refusal, watch.grant.session_id, why, watch.grant.actor, what="viewer refused")

    async def endpoint_lost(self, watch: Watch, why: str, *, fatal: bool, refused: bool) -> None:
        """See `Clerk`; a session whose first viewer finds no screen has failed."""
        session_id, actor = watch.grant.session_id, watch.grant.actor
        if refused:
            await self._ask(lifecycle.note_refusal, session_id, why, actor, what="endpoint refused")
        if why == closing.SCREEN_CLOSED:
            log.info("session %s: %s", session_id, why)  # as at every end of a program
        else:
            log.warning("session %s: %s", session_id, why)
        await self._book.leave(watch.viewer_id, CUT, urgent=True)
        # What a later viewer meets is no reason to end a session in which an earlier one may be at work.
        if fatal and await self._ask(rows.is_first_viewer, watch.viewer_id):
            if not refused:
                await self._ask(lifecycle.note, session_id, "endpoint lost", why=why, by=actor)
            reason = EndReason.ENDPOINT_REFUSED if refused else EndReason.ENDPOINT_LOST
            await self._ask(lifecycle.ask_to_stop, session_id, reason, actor, why)

    async def _ask(self, question: Callable[..., T], *arguments: Any, **keywords: Any) -> T:
        try:
            return await sync_to_async(question)(*arguments, **keywords)
        except DatabaseError as error:
            raise _out_of_reach(error) from error

    # ---- the heartbeat, and the look ----------------------------------------------------------------------

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            await self._guarded(self._beat_once)

    async def _beat_once(self) -> None:
        used, self._used = self._used, set()
        here = [watch.viewer_id for watch in self.watches]
        try:
            await sync_to_async(rows.beat)(self.id, used, here)
        except DatabaseError:
            self._used |= used
            raise
        await self._book.catch_up()
        now = asyncio.get_running_loop().time()
        if now - self._wrote_traffic >= TRAFFIC:
            self._wrote_traffic = now
            await self._write_traffic()

    async def _look(self) -> None:
        # What its own viewers' coming and leaving changes is nothing that it looks at.
        async with nudges.hearing(nudges.GATEWAY_GROUP, deaf_to=str(self.id)) as self._heard:
            self._heard.set()
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK):
                        await self._heard.wait()
                self._heard.clear()
                if self._watches:
                    await self._guarded(self._look_once)

    async def _look_once(self) -> None:
        here = self.watches
        glimpses, policies = await sync_to_async(rows.look)({watch.grant for watch in here})
        for watch in here:
            watch.glimpse = glimpses.get(watch.grant.session_id, GONE)
            watch.withdrawn = watch.grant not in policies
            watch.policy = policies.get(watch.grant, watch.policy)
            watch.changed.set()
        self._known = asyncio.get_running_loop().time()
        self._looked()

    async def _give_up_when_unknown(self) -> None:
        """Has viewers go of whom nobody knows any more whether they may stay."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK)
            if loop.time() - self._known > MOST_UNKNOWN:
                for watch in self.watches:
                    watch.unknown = True
                    watch.changed.set()

    async def _guarded(self, work: Callable[[], Awaitable[object]]) -> None:
        """A database out of reach is no reason to cut a viewer's line: the next round tries again."""
        try:
            await work()
        except DatabaseError as error:
            log.warning("the gateway could not reach the database: %s", error)
            await sync_to_async(close_old_connections)()


def _out_of_reach(error: DatabaseError) -> ClerkError:
    return ClerkError(f"the database cannot be reached: {error}")


_gateways: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, GatewayProcess] = weakref.WeakKeyDictionary()


def gateway() -> GatewayProcess:
    """The gateway of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _gateways.get(loop)
    if found is None:
        found = _gateways[loop] = GatewayProcess()
    return found
