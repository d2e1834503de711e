"""One supervisor's time with the lease: it looks at what is wanted and what is, and does the next thing.

Level-triggered: a tick looks at everything there is; a nudge only makes the next tick come at once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from uuid import UUID

from asgiref.sync import sync_to_async
from django import db

from remote_service import keeping, observations
from remote_service.ages import Ages
from remote_service.conf import GatewaySettings
from remote_service.decisions import Action, Decision, Runner, decide
from remote_service.hosting.status import Status
from remote_service.lease import Fence, FencedError
from remote_service.leftovers import ask_runner_to_end, end_without_runner, sessions_with_sockets
from remote_service.models import Session
from remote_service.observations import Look
from remote_service.states import FINAL, EndReason, State
from remote_service.supervision.charges import Charge
from remote_service.supervision.operations import Operations, Patience
from remote_service.supervision.recovery import Recovery
from remote_service.supervision.rows import Rows
from remote_service.supervision.runners import Runners
from remote_service.tasks import spawn

log = logging.getLogger(__name__)

SHUTDOWN = Patience(stop=1.5, interrupt=0.5)
"""For scripts when the server itself is stopping: a `start` to interrupt, a hung `stop` and ending what is left must
all fit into the time that the server takes."""
NEEDS_SCRIPTS = frozenset({Action.LAUNCH, Action.LAUNCH_AGAIN, Action.SUCCEED, Action.RECOVER})
"""What waits until the scripts are loaded."""


class Term:
    """From when the lease was taken until it is lost or given back."""

    def __init__(self, settings: GatewaySettings, fence: Fence, poke: Callable[[], None]) -> None:
        """`poke` is called whenever `tick` should come at once."""
        self._settings = settings
        self._poke = poke
        self._ages = Ages(fence.gap)
        self._gateways: dict[str, tuple[int, float]] = {}
        self.rows = Rows(fence)
        self.runners = Runners(settings, self.rows, poke)
        self.charges = self.runners.charges
        self.recovery = Recovery(settings, self.rows, self.runners)
        self.operations = Operations(settings, self.rows, self.runners, self.recovery.end_without_script)
        self.loaded = False
        """Whether scripts can be had."""
        self.looked = time.monotonic()
        """When it last looked, or tried to (monotonic seconds)."""
        self.lost = asyncio.Event()
        """Set when somebody else has the lease: nothing may be done any more."""

    # ---- looking ----------------------------------------------------------------------------------------

    async def tick(self) -> Look | None:
        """Looks at everything and begins what is to be done; None when the database gave no answer."""
        try:
            look = await self._tick()
        except FencedError:
            self.lost.set()
            return None
        except db.Error as error:
            # No answer is not the answer that a session has ended: all of them go on.
            log.error("the database does not answer, so nothing is decided; the next look tries again: %s", error)
            await sync_to_async(db.close_old_connections)()
            # Nor could gateways move their counters: all of them have their whole time again.
            self._gateways.clear()
            return None
        return look

    async def _tick(self) -> Look:
        now = self.looked = time.monotonic()
        # What is being done with a session now may be over when the look arrives, which then shows what is no more.
        busy = {key for key, charge in self.charges.items() if charge.busy}
        look = await sync_to_async(observations.look)()
        if silent := observations.silent_gateways(look.gateways, self._gateways, now):
            await sync_to_async(observations.expire)(silent, self._gateways, self.rows.write_now)
        self._ages.look(now, look.at)
        for session in look.sessions:
            key = str(session.pk)
            if key in busy:
                continue
            charge = self.charges.get(key) or Charge()
            # What is decided on is what stands in the row by then, though the runner may have said more meanwhile.
            status = charge.status
            await self.operations.remember(session, charge)
            try:
                decision = self._decide(look, session, charge, status)
            except ValueError as error:
                log.error("session %s is left alone, since its row cannot be understood: %s", key, error)
                continue
            if decision.action is Action.NOTHING or (decision.action in NEEDS_SCRIPTS and not self.loaded):
                continue
            self.charges[key] = charge
            self.begin(session, charge, decision)
        self._ages.forget_all_but({str(session.pk) for session in look.sessions})
        return look

    def _decide(self, look: Look, session: Session, charge: Charge, status: Status | None) -> Decision:
        known = observations.known(
            session,
            look.viewers[str(session.pk)],
            self._ages,
            status,
            runner=charge.runner,
            exceeded=self.runners.groups.exceeded(session),
            may_try_again=charge.attempts.due,
        )
        return decide(known)

    # ---- doing ------------------------------------------------------------------------------------------

    def begin(self, session: Session, charge: Charge, decision: Decision) -> None:
        """Carries a decision out beside the loop; one at a time for each session."""
        charge.busy = True

        async def carry_out() -> None:
            try:
                await self._carry_out(session, charge, decision)
            except FencedError:
                self.lost.set()
                self._poke()
            except db.Error as error:
                log.error(
                    "session %s: the database does not answer; what is to be done is tried again: %s", session.pk, error
                )
                await sync_to_async(db.close_old_connections)()
            else:
                # Not after an error: what failed is tried again at the next regular look, so that it cannot spin.
                self._poke()
            finally:
                charge.busy = False
                charge.changed.set()

        spawn(carry_out(), name=f"{decision.action} {session.pk}")

    async def _carry_out(self, session: Session, charge: Charge, decision: Decision) -> None:
        operations, recovery = self.operations, self.recovery
        if decision.action is Action.LAUNCH:
            await operations.launch(session, charge)
        elif decision.action is Action.LAUNCH_AGAIN:
            await operations.launch_again(session, charge)
        elif decision.action is Action.ADOPT:
            await recovery.adopt(session, charge)
        elif decision.action is Action.REACHED:
            await operations.reached(session, charge)
        elif decision.action is Action.STOP:
            await operations.stop(session, charge, decision)
        elif decision.action is Action.DROP:
            await operations.drop(session, decision)
        elif decision.action is Action.FINISH:
            await operations.finish(session, charge)
        elif decision.action is Action.WARN:
            await self.rows.write(keeping.warn, session.pk, decision.reason, decision.left)
        elif decision.action is Action.SUCCEED:
            await recovery.succeed(session, charge)
        elif decision.action is Action.DECLARE:
            await recovery.declare(session, decision)
        elif decision.action is Action.RECOVER:
            await recovery.recover(session, decision.reason or EndReason.RUNNER_LOST, decision.detail)

    async def end_strays(self) -> None:
        """Ends runners of sessions that are over, or that nobody knows, and what is left in groups of our own."""
        found = sessions_with_sockets(self._settings.run_dir)
        live = {str(key) for key in await sync_to_async(_live_sessions)()}
        known = {str(key) for key in await sync_to_async(_known_among)(found)}
        for key in set(found) - live:
            if key not in known:
                log.warning("session %s has a runner and is not in the database; it is ended", key)
            spawn(self._end_stray(key), name=f"stray runner {key}")
        for key in await sync_to_async(_over_among)(self.runners.groups.sessions()):
            spawn(self.runners.groups.end(key), name=f"stray group {key}")

    async def _end_stray(self, key: str) -> None:
        await ask_runner_to_end(self._settings.run_dir, key, self.rows.epoch)
        await end_without_runner(self._settings.run_dir, key)
        await self.runners.groups.end(key)

    # ---- the end ----------------------------------------------------------------------------------------

    async def settle(self) -> None:
        """Returns when nothing is being done with any session."""
        while busy := [charge for charge in self.charges.values() if charge.busy]:
            busy[0].changed.clear()
            await busy[0].changed.wait()

    async def hang_up(self) -> None:
        """Leaves all runners to whoever comes next."""
        links = [charge.link for charge in self.charges.values() if charge.link is not None]
        self.charges.clear()
        await asyncio.gather(*(link.close() for link in links))

    async def end_all_sessions(self) -> None:
        """Ends every session, side by side."""
        try:
            sessions = await sync_to_async(lambda: list(Session.objects.live()))()
        except db.Error as away:
            log.error("the database does not answer, so no session is ended; the next start takes them over: %s", away)
            return
        endings = (self._end_at_shutdown(session) for session in sessions)
        for session, error in zip(sessions, await asyncio.gather(*endings, return_exceptions=True), strict=True):
            if isinstance(error, FencedError):
                self.lost.set()
            elif error is not None:
                log.error("session %s was not ended; the next start takes it over", session.pk, exc_info=error)

    async def _end_at_shutdown(self, session: Session) -> None:
        charge = self.charges.setdefault(str(session.pk), Charge())
        decision = Decision(Action.STOP, EndReason.SERVER_STOPPED)
        ordered = False
        while True:
            charge.changed.clear()
            if not charge.busy:
                session = await sync_to_async(Session.objects.get)(pk=session.pk)
                state = State(session.state)
                if state in FINAL or charge.runner is Runner.AWAY:
                    return
                if state is State.RESERVED:
                    await self.operations.drop(session, decision)
                elif charge.over and state is State.STOPPING:
                    await self.operations.finish(session, charge)
                elif charge.runner is Runner.UNSEEN:
                    await self.recovery.adopt(session, charge)
                elif not charge.over and (charge.runner is not Runner.HERE or charge.link is None):
                    await self.recovery.recover(session, EndReason.SERVER_STOPPED)
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
            await self.operations.stop(session, charge, decision, SHUTDOWN)
            return
        assert charge.link is not None
        try:
            await charge.link.order("stop", timeout=SHUTDOWN.stop, patience=SHUTDOWN.interrupt)
        except OSError:
            charge.lose()


def _live_sessions() -> list[object]:
    return list(Session.objects.live().values_list("pk", flat=True))


def _known_among(names: list[str]) -> list[object]:
    keys = [key for name in names if (key := _uuid(name)) is not None]
    return list(Session.objects.filter(pk__in=keys).values_list("pk", flat=True))


def _over_among(names: set[str]) -> list[str]:
    """Which of these are sessions of ours that are over: another server may have its sessions beside ours."""
    keys = [key for name in names if (key := _uuid(name)) is not None]
    return [str(key) for key in Session.objects.filter(pk__in=keys, state__in=FINAL).values_list("pk", flat=True)]


def _uuid(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
