"""The one process that decides: looks at what is wanted and what is, and does the next thing for each session.

Level-triggered: a tick looks at everything there is; a nudge only makes the next tick come at once. What to do is
decided in `remote_service.decisions`, done in `remote_service.operations`, and written by `remote_service.lifecycle`.
"""

from __future__ import annotations

import asyncio
import logging
import time

from asgiref.sync import sync_to_async
from django import db

from remote_service import keeping, nudges, observations, retention
from remote_service.ages import Ages
from remote_service.catalogue import load_catalogue, publish
from remote_service.conf import GatewaySettings
from remote_service.decisions import Action, Decision, decide
from remote_service.hosting.account import AccountError
from remote_service.hosting.client import ScriptHost
from remote_service.leftovers import ask_runner_to_end, end_without_runner, sessions_with_sockets
from remote_service.models import Session, Site
from remote_service.monitoring.pulse import SUPERVISOR
from remote_service.operations import Charge, Operations, Patience
from remote_service.states import FINAL, EndReason, State
from remote_service.tasks import spawn

log = logging.getLogger(__name__)

TICK = 1.0
"""Seconds between two looks when nothing nudges."""
SHUTDOWN = Patience(stop=1.5, interrupt=0.5)
"""For scripts when the server itself is stopping: a `start` to interrupt, a hung `stop` and ending what is left must
all fit into `SHUTDOWN_PATIENCE`."""
SHUTDOWN_PATIENCE = 4.7
"""Seconds for all sessions together."""


class Supervisor:
    """Runs until `stop()`."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._again = asyncio.Event()
        self._operations = Operations(settings, lambda: self._again.set())
        self._charges = self._operations.charges
        self._ages = Ages()
        self._gateways: dict[str, tuple[int, float]] = {}
        self._reload_now = False
        self._loading: asyncio.Task[None] | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        """Replaced script hosts that are being ended."""
        self._stopped = asyncio.Event()
        self.ready = asyncio.Event()
        """Set when the catalogue is loaded and sessions can be launched."""

    # ---- the loop ---------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Loads the catalogue, ends what a killed server left, then serves until `stop()`, which loading obeys too.

        Raises:
            AccountError: scripts may not run as root and there is no account for them.
        """
        site = await sync_to_async(Site.load)()
        if not await self._load_unless_stopped(site.reload_wanted):
            return
        await self._end_what_was_left()
        self.ready.set()
        tidying = retention.at_work(self._settings, lambda: self._operations.catalogue.scripts)
        async with nudges.hearing(nudges.SUPERVISOR_GROUP) as heard, tidying:
            self._again = heard
            try:
                while not self._stopped.is_set():
                    await self._tick_if_possible()
                    await self._wait()
            finally:
                await self._shut_down()

    def stop(self) -> None:
        """Ends the loop; `run` then ends every session, in parallel, and returns."""
        self._stopped.set()
        self._again.set()

    def reload(self) -> None:
        """Reads the sessions file again at once (for SIGHUP)."""
        self._reload_now = True
        self._again.set()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(TICK):
                await self._again.wait()
        except TimeoutError:
            pass
        self._again.clear()

    async def _tick_if_possible(self) -> None:
        try:
            await self._tick()
            SUPERVISOR.beat()
        except db.Error as error:
            # No answer is not the answer that a session has ended: all of them go on.
            log.error("the database does not answer, so nothing is decided; the next look tries again: %s", error)
            await sync_to_async(db.close_old_connections)()

    async def _tick(self) -> None:
        now = time.monotonic()
        # What is being done with a session now may be over when the look arrives, which then shows what is no more.
        busy = {key for key, charge in self._charges.items() if charge.busy}
        look = await sync_to_async(observations.look)()
        if self._loading is None and (self._reload_now or look.site.reload_wanted > look.site.reload_done):
            self._reload_now = False
            self._loading = spawn(self._reload(look.site.reload_wanted), name="reload of the sessions file")
        await sync_to_async(observations.expire_silent_gateways)(look.gateways, self._gateways, now)
        self._ages.look(now, look.at)
        for session in look.sessions:
            key = str(session.pk)
            if key in busy:
                continue
            charge = self._charges.get(key) or Charge()
            await self._operations.remember(session, charge)
            try:
                known = observations.known(session, look.viewers[key], self._ages, charge.status, lost=charge.lost)
            except ValueError as error:
                log.error("session %s is left alone, since its row cannot be understood: %s", key, error)
                continue
            decision = decide(known)
            if decision.action is not Action.NOTHING:
                self._charges[key] = charge
                self._begin(session, charge, decision)
        self._ages.forget_all_but({str(session.pk) for session in look.sessions})

    def _begin(self, session: Session, charge: Charge, decision: Decision) -> None:
        """Carries a decision out beside the loop; one at a time for each session."""
        charge.busy = True

        async def carry_out() -> None:
            try:
                await self._carry_out(session, charge, decision)
            finally:
                charge.busy = False
                charge.changed.set()
            # Not after an error: what failed is tried again at the next regular look, so that it cannot spin.
            self._again.set()

        spawn(carry_out(), name=f"{decision.action} {session.pk}")

    async def _carry_out(self, session: Session, charge: Charge, decision: Decision) -> None:
        operations = self._operations
        if decision.action is Action.LAUNCH:
            await operations.launch(session, charge)
        elif decision.action is Action.REACHED:
            await operations.reached(session, charge)
        elif decision.action is Action.STOP:
            await operations.stop(session, charge, decision)
        elif decision.action is Action.DROP:
            await operations.drop(session, decision)
        elif decision.action is Action.FINISH:
            await operations.finish(session, charge)
        elif decision.action is Action.WARN:
            await sync_to_async(keeping.warn)(session.pk, decision.reason, decision.left)
        elif decision.action is Action.RECOVER:
            await operations.recover(session, decision.reason or EndReason.RUNNER_LOST)

    # ---- the catalogue ----------------------------------------------------------------------------------

    async def _load_unless_stopped(self, generation: int) -> bool:
        """Loads for the first time; False when `stop()` came before it was done, and it was given up."""
        loading = spawn(self._load(generation), name="load of the sessions file")
        stopped = spawn(self._stopped.wait(), name="stop during the load")
        try:
            await asyncio.wait({loading, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            loading.cancel()
        await asyncio.wait({loading})
        if loading.cancelled():
            return False
        loading.result()
        return True

    async def _reload(self, generation: int) -> None:
        """Loads again, beside the loop: a script that takes its time at import keeps no session waiting."""
        try:
            await self._load(generation)
        except (AccountError, OSError) as error:
            log.error("the sessions file is not read again: %s", error)
            await Site.objects.filter(pk=1).aupdate(reload_done=generation)
        finally:
            self._loading = None
        self._again.set()

    async def _load(self, generation: int) -> None:
        """Loads the sessions file; one that cannot be read leaves the catalogue in force as it is.

        Script hosts of the catalogue before are ended: the runners of sessions live without them.
        """
        loaded = await load_catalogue(self._settings)
        retired: list[ScriptHost] = []
        if loaded.readable:
            retired = [entry.host for entry in self._operations.catalogue.entries.values()]
            self._operations.catalogue = loaded
        await sync_to_async(publish)(self._operations.catalogue, loaded, generation)
        # Tasks of their own: who stops the server meanwhile must not leave one half ended.
        closing = {spawn(host.close(), name="end of a replaced script host") for host in retired}
        self._retiring |= closing
        if closing:
            await asyncio.wait(closing)
        self._retiring -= closing

    # ---- what a killed server left ----------------------------------------------------------------------

    async def _end_what_was_left(self) -> None:
        """Begins to end the sessions of a server that was killed; reservations that nobody has used yet go on."""
        sessions = await sync_to_async(lambda: list(Session.objects.live().exclude(state=State.RESERVED)))()
        for session in sessions:
            charge = self._charges[str(session.pk)] = Charge()
            self._begin(session, charge, Decision(Action.RECOVER, EndReason.SERVER_KILLED))
        for key in set(sessions_with_sockets(self._settings.run_dir)) - set(self._charges):
            spawn(self._end_stray(key), name=f"stray runner {key}")

    async def _end_stray(self, key: str) -> None:
        await ask_runner_to_end(self._settings.run_dir, key)
        await end_without_runner(self._settings.run_dir, key)

    # ---- the end ----------------------------------------------------------------------------------------

    async def _shut_down(self) -> None:
        """Ends every session in parallel; what is not over in time is ended by the next start."""
        ending = spawn(self._end_all_sessions(), name="end of all sessions")
        tasks = {ending, *self._retiring}
        if self._loading is not None:
            self._loading.cancel()
            tasks.add(self._loading)
        # Not asyncio.timeout, which before Python 3.11.3 never expires in a task that has been cancelled.
        _done, late = await asyncio.wait(tasks, timeout=SHUTDOWN_PATIENCE)
        if late:
            log.warning("some sessions were not over after %g s; the next start ends them", SHUTDOWN_PATIENCE)
            ending.cancel()
            await asyncio.wait({ending, *self._retiring})
        await self._operations.catalogue.close()

    async def _end_all_sessions(self) -> None:
        sessions = await sync_to_async(lambda: list(Session.objects.live()))()
        endings = (self._end_at_shutdown(session) for session in sessions)
        for session, error in zip(sessions, await asyncio.gather(*endings, return_exceptions=True), strict=True):
            if error is not None:
                log.error("session %s was not ended; the next start does it", session.pk, exc_info=error)

    async def _end_at_shutdown(self, session: Session) -> None:
        charge = self._charges.setdefault(str(session.pk), Charge())
        decision = Decision(Action.STOP, EndReason.SERVER_STOPPED)
        ordered = False
        while True:
            charge.changed.clear()
            if not charge.busy:
                session = await sync_to_async(Session.objects.get)(pk=session.pk)
                state = State(session.state)
                if state in FINAL:
                    return
                if state is State.RESERVED:
                    await self._operations.drop(session, decision)
                elif charge.over and state is State.STOPPING:
                    await self._operations.finish(session, charge)
                elif not charge.over and (charge.lost or charge.link is None):
                    await self._operations.recover(session, EndReason.SERVER_STOPPED)
                elif not ordered:
                    ordered = True
                    await self._order_stop(session, charge, decision)
                    continue
                else:
                    await charge.changed.wait()
                continue
            await charge.changed.wait()

    async def _order_stop(self, session: Session, charge: Charge, decision: Decision) -> None:
        if State(session.state) is not State.STOPPING:
            await self._operations.stop(session, charge, decision, SHUTDOWN)
            return
        assert charge.link is not None
        try:
            await charge.link.order("stop", timeout=SHUTDOWN.stop, patience=SHUTDOWN.interrupt)
        except OSError:
            charge.lost = True
