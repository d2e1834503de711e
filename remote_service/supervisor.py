"""The one process that decides, of all that could: waits for the lease, loads the types, and supervises.

What to do is decided in `remote_service.decisions`, done in `remote_service.supervision`, and written by
`remote_service.lifecycle`. When it leaves, or dies, sessions go on: whoever has the lease next finds them again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress

from asgiref.sync import sync_to_async
from django import db

from remote_service import nudges, retention
from remote_service.catalogue import Catalogue, load_catalogue, load_published, publish
from remote_service.conf import GatewaySettings
from remote_service.hosting.account import AccountError
from remote_service.hosting.client import ScriptHost
from remote_service.lease import Fence, FencedError
from remote_service.models import Site
from remote_service.postgresql.patience import PATIENCE
from remote_service.supervision.candidate import Candidate
from remote_service.supervision.spare import Spare
from remote_service.supervision.term import Term
from remote_service.tasks import spawn

log = logging.getLogger(__name__)

TICK = 1.0
"""Seconds between two looks when nothing nudges."""
RENEWALS = 5
"""How often the lease is renewed in the time for which it holds."""
MOST_LOOKS = 3
"""In how many times the lease's own one look has to begin."""
SHUTDOWN_PATIENCE = 4.7
"""Seconds for all sessions together."""
SETTLE_PATIENCE = 2.0
"""Seconds that what is being done may take when sessions go on; the next supervisor does what is left of it."""


class Supervisor:
    """Runs until `stop()` or `end()`."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._candidate = Candidate(settings)
        self._again = asyncio.Event()
        self._catalogue = Catalogue({})
        self._spare = Spare(settings)
        self._reload_now = False
        self._loading: asyncio.Task[None] | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        """Replaced script hosts that are being ended."""
        self._stopped = asyncio.Event()
        self._end_sessions = False
        self._failure: AccountError | None = None
        self.ready = asyncio.Event()
        """Set when the catalogue is loaded and sessions can be launched, or somebody else supervises."""

    def stop(self) -> None:
        """Ends the loop; sessions go on, and whoever supervises next takes them over."""
        PATIENCE.hurry()
        self._stopped.set()
        self._again.set()

    def end(self) -> None:
        """Ends the loop; `run` then ends every session, in parallel, and returns."""
        self._end_sessions = True
        self.stop()

    def reload(self) -> None:
        """Reads the sessions file again at once (for SIGHUP)."""
        self._reload_now = True
        self._again.set()

    async def run(self) -> None:
        """Waits for the lease, supervises until it is lost, and so on, until `stop()` or `end()`.

        Raises:
            AccountError: scripts may not run as root and there is no account for them.
        """
        try:
            while not self._stopped.is_set():
                async with nudges.hearing(nudges.SUPERVISOR_GROUP) as heard:
                    self._again = heard
                    fence = await self._acquire()
                    if fence is not None:
                        await self._supervise_while_possible(fence)
        finally:
            await self._spare.close()
            self._candidate.close()
        if self._failure is not None:
            raise self._failure

    async def _wait(self, seconds: float) -> None:
        if self._stopped.is_set():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._again.wait()
        self._again.clear()

    # ---- the lease --------------------------------------------------------------------------------------

    async def _acquire(self) -> Fence | None:
        """Waits for the lease and takes it; None when `stop()` came before."""
        self._candidate.begin()
        while not self._stopped.is_set():
            try:
                fence = await sync_to_async(self._candidate.look)()
            except db.Error as error:
                log.error("the database does not answer, so nobody can supervise; trying again: %s", error)
                await sync_to_async(db.close_old_connections)()
                # Nor could the holder renew: it has its whole time again.
                self._candidate.begin()
            else:
                if fence is not None:
                    return fence
                self.ready.set()
                self._spare.keep_up(self._candidate.epoch, self._candidate.published, time.monotonic())
            await self._wait(self._settings.lease_time / RENEWALS)
        if self._end_sessions:
            self._candidate.say_who_goes_on()
        return None

    async def _renew(self, fence: Fence, term: Term) -> None:
        """Moves the lease's counter until the lease is lost, as long as the loop looks: one that hangs is succeeded."""
        while not term.lost.is_set():
            try:
                if time.monotonic() - term.looked < MOST_LOOKS * self._settings.lease_time:
                    await sync_to_async(fence.renew)()
            except FencedError:
                term.lost.set()
                self._again.set()
            except db.Error as error:
                log.warning("the lease could not be renewed; trying again: %s", error)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.lease_time / RENEWALS):
                    await term.lost.wait()

    async def _supervise_while_possible(self, fence: Fence) -> None:
        try:
            async with retention.at_work(self._settings, lambda: self._catalogue.scripts):
                await self._supervise(fence)
        except db.Error as error:
            log.error("the database does not answer, so nobody can supervise; trying again: %s", error)
            await sync_to_async(db.close_old_connections)()
            await self._wait(TICK)

    async def _supervise(self, fence: Fence) -> None:
        term = Term(self._settings, fence, lambda: self._again.set())
        renewing = spawn(self._renew(fence, term), name="renewal of the lease")
        try:
            await term.end_strays()
            while not (self._stopped.is_set() or term.lost.is_set()):
                look = await term.tick()
                if look is not None:
                    self._load_when_wanted(term, look.site)
                await self._wait(TICK)
        finally:
            try:
                await self._leave(fence, term)
            finally:
                renewing.cancel()

    # ---- the catalogue ----------------------------------------------------------------------------------

    def _load_when_wanted(self, term: Term, site: Site) -> None:
        if self._loading is not None:
            return
        if not term.loaded:
            self._loading = spawn(self._load_first(term, site.reload_wanted), name="load of the sessions file")
        elif self._reload_now or site.reload_wanted > site.reload_done:
            self._reload_now = False
            self._loading = spawn(self._reload(term, site.reload_wanted), name="reload of the types")

    async def _load_first(self, term: Term, generation: int) -> None:
        """Loads beside the loop: a script that takes its time at import keeps no session waiting."""
        try:
            ready = await self._spare.hand_over()
            if ready is None:
                await self._load(term, generation)
            else:
                self._reload_now |= ready.stale
                await self._put_in_force(term, ready.catalogue, ready.generation)
        except AccountError as error:
            self._failure = error
            self.stop()
            return
        except (FencedError, db.Error) as error:
            self._not_loaded(term, error)
            return
        finally:
            self._loading = None
        term.loaded = True
        self.ready.set()
        self._again.set()

    async def _reload(self, term: Term, generation: int) -> None:
        try:
            await self._load(term, generation)
        except (AccountError, OSError) as error:
            log.error("the sessions file is not read again: %s", error)
            await Site.objects.filter(pk=1).aupdate(reload_done=generation)
        except (FencedError, db.Error) as error:
            self._not_loaded(term, error)
            return
        finally:
            self._loading = None
        self._again.set()

    def _not_loaded(self, term: Term, error: Exception) -> None:
        if isinstance(error, FencedError):
            term.lost.set()
            self._again.set()
        else:
            log.error("the database does not answer, so the types are not published; trying again: %s", error)

    async def _load(self, term: Term, generation: int) -> None:
        await self._put_in_force(term, await load_catalogue(self._settings), generation)

    async def _put_in_force(self, term: Term, loaded: Catalogue, generation: int) -> None:
        """Serves a catalogue from now on; one whose file cannot be read leaves the catalogue in force as it is.

        Script hosts of the catalogue before are ended: the runners of sessions live without them.
        """
        loaded = loaded.with_problems(term.runners.groups.unkept)
        retired: list[ScriptHost] = []
        if loaded.readable:
            retired = [entry.host for entry in self._catalogue.entries.values()]
            self._catalogue = loaded
        elif self._catalogue.file is None:
            self._catalogue = await load_published(self._settings)
        term.runners.catalogue = self._catalogue
        # Tasks of their own: who stops the server meanwhile must not leave one half ended.
        closing = {spawn(host.close(), name="end of a replaced script host") for host in retired}
        self._retiring |= closing
        await term.rows.write(publish, self._catalogue, loaded, generation)
        if closing:
            await asyncio.wait(closing)
        self._retiring -= closing

    # ---- the end ----------------------------------------------------------------------------------------

    async def _leave(self, fence: Fence, term: Term) -> None:
        """Ends every session when that is wanted; else leaves them to the next, which may take over at once."""
        ending = self._end_sessions and not term.lost.is_set()
        work = term.end_all_sessions() if ending else term.settle()
        leaving = spawn(work, name="end of all sessions" if ending else "end of what is being done")
        tasks = {leaving, *self._retiring}
        if self._loading is not None:
            self._loading.cancel()
            tasks.add(self._loading)
        # Not asyncio.timeout, which before Python 3.11.3 never expires in a task that has been cancelled.
        _done, late = await asyncio.wait(tasks, timeout=SHUTDOWN_PATIENCE if ending else SETTLE_PATIENCE)
        if late:
            if ending:
                log.warning("some sessions were not over after %g s; the next start ends them", SHUTDOWN_PATIENCE)
            leaving.cancel()
            await asyncio.wait(tasks)
        lost = term.lost.is_set()
        # What is still being done fails from here on, and must not tell of the failure as if it were the session's.
        fence.leave()
        await term.hang_up()
        await self._catalogue.close()
        self._catalogue = Catalogue({})
        if lost:
            log.warning("another supervisor has taken over; standing by")
        else:
            await sync_to_async(fence.give_back)()
