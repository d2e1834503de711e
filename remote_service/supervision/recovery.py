"""Sessions whose runner is an earlier supervisor's, has ended, or cannot be reached.

What runs goes on: a runner that answers is ours again, and one that has ended gets a successor with what the script
had saved. What was about to start is started once; what was about to stop is stopped. Of what cannot be found out
nothing is freed and nothing ended.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from asgiref.sync import sync_to_async

from remote_service import details, lifecycle
from remote_service.conf import GatewaySettings
from remote_service.decisions import Decision, Runner
from remote_service.endpoints import Endpoint
from remote_service.filesystems import network_kind_of
from remote_service.hosting import processes
from remote_service.hosting.client import HostError, RunnerLink
from remote_service.hosting.listening import listens_locally
from remote_service.hosting.machine import here
from remote_service.hosting.status import Phase, Status
from remote_service.hosting.whereabouts import Whereabouts, has_gone
from remote_service.leftovers import STOP_TIMEOUT, ask_runner_to_end, end_without_runner, kill_runner, runner_of
from remote_service.models import Session
from remote_service.sealing import SealError
from remote_service.states import ENDINGS, FINAL, EndReason, Event, State
from remote_service.supervision.charges import Charge
from remote_service.supervision.rows import Rows, state_of
from remote_service.supervision.runners import Runners

log = logging.getLogger(__name__)

ANSWER_PATIENCE = 5.0
"""Seconds that a runner has to say how things are; it does so as soon as somebody connects."""


class Recovery:
    """Finds, replaces and ends."""

    def __init__(self, settings: GatewaySettings, rows: Rows, runners: Runners) -> None:
        self._settings = settings
        self._rows = rows
        self._runners = runners

    # ---- an earlier supervisor's ------------------------------------------------------------------------

    async def adopt(self, session: Session, charge: Charge) -> None:
        """Looks for the session's runner, and takes it over: the same processes go on."""
        charge.attempts.tried()
        ours = here(self._settings.run_dir)
        if not session.whereabouts.shares_directory(ours):
            charge.miss(_elsewhere(session, ours))
            return
        try:
            link = await self._runners.connect(session, charge)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            there = isinstance(error, ConnectionRefusedError)
            shared = bool(network_kind_of(self._settings.run_dir))
            if not has_gone(session.whereabouts, ours, socket=there, shared=shared):
                charge.miss(_elsewhere(session, ours))
            elif not there and (runner := await asyncio.to_thread(runner_of, str(session.pk))) is not None:
                # Another one beside it would call the script's stop() a second time, and one of a session that is
                # starting its start().
                charge.miss(_without_socket(session, runner, ours))
            elif there or State(session.state) is not State.STARTING or charge.runner is Runner.AWAY:
                charge.lose()
            else:
                # The socket is made before anything of the script is called.
                charge.runner = Runner.NEVER
            return
        except OSError as error:
            charge.miss(details.RUNNER_UNREACHABLE.filled(error=error.strerror or error))
            return
        status = await self._first_status(charge)
        if status is None:
            if charge.runner is Runner.HERE:
                await link.close()
                charge.link = None
                charge.miss(details.RUNNER_SILENT.filled(seconds=f"{ANSWER_PATIENCE:g}"))
            return
        state = State(session.state)
        try:
            if status.phase is Phase.IDLE and state is State.STARTING:
                await self._runners.order_start(session, link)
            elif status.phase is Phase.IDLE:
                # It was forked to go on in the place of another one, and has not been told with what.
                await self._runners.order_succession(session, link)
            if state is State.STOPPING:
                await link.order("stop", timeout=STOP_TIMEOUT)
        except OSError:
            charge.lose()
        except SealError as error:
            log.error("session %s could not be launched: %s", session.pk, error)
            await self._fail(session, str(error))
            return
        await self._rows.write(
            lifecycle.note, session.pk, "found again", why=details.FOUND_AGAIN, by=lifecycle.SUPERVISOR
        )
        log.info("session %s: found again, its runner is process %s", session.pk, status.runner or "unknown")

    async def _first_status(self, charge: Charge) -> Status | None:
        try:
            async with asyncio.timeout(ANSWER_PATIENCE):
                while charge.status is None and charge.runner is Runner.HERE:
                    charge.changed.clear()
                    await charge.changed.wait()
        except TimeoutError:
            pass
        return charge.status

    async def _fail(self, session: Session, why: str) -> None:
        await self._rows.move(session, Event.STOP, why=why, end_reason=EndReason.START_FAILED, end_detail=why)
        session.end_reason, session.end_detail = EndReason.START_FAILED, why
        await self.end_without_script(session)

    async def declare(self, session: Session, decision: Decision) -> None:
        """Writes that it is over, as staff says; what may be left of it is theirs to see to."""
        reason = decision.reason or EndReason.STAFF
        if State(session.state) is not State.STOPPING:
            why = f"{ENDINGS[reason].sentence} {decision.detail}".strip()
            await self._rows.move(session, Event.STOP, why=why, end_reason=reason, end_detail=decision.detail)
            session.state, session.end_reason, session.end_detail = State.STOPPING, reason, decision.detail
        await self._rows.move_to_end(session)
        self._runners.charges.pop(str(session.pk), None)

    # ---- a successor ------------------------------------------------------------------------------------

    async def succeed(self, session: Session, charge: Charge) -> None:
        """Forks another runner, which goes on with the session's programs; what cannot go on stays as it is."""
        await self._rows.check()
        charge.attempts.tried()
        try:
            link = await self._successor(session, charge)
            await self._runners.order_succession(session, link)
        except (HostError, OSError) as error:
            if not await asyncio.to_thread(_something_lives, str(session.pk), session.endpoint):
                await self.recover(session, EndReason.RUNNER_LOST)
                return
            log.warning("session %s: its runner has ended and could not be replaced: %s", session.pk, error)
            charge.runner, charge.trouble = Runner.LOST, details.NO_SUCCESSOR.filled(error=error)
            return
        log.warning("session %s: its runner had ended; another one has taken its place", session.pk)
        await self._rows.write(
            lifecycle.note, session.pk, "runner replaced", why=details.REPLACED, by=lifecycle.SUPERVISOR
        )

    async def _successor(self, session: Session, charge: Charge) -> RunnerLink:
        """A runner that has been forked and told nothing yet, of an attempt before; else a fresh one."""
        if charge.runner is Runner.HERE and charge.link is not None:
            return charge.link
        with suppress(FileNotFoundError, ConnectionRefusedError):
            link = await self._runners.connect(session, charge)
            # What is left of the one that has ended may hold its socket for a moment, and says nothing.
            if await self._first_status(charge) is not None:
                return link
            if charge.runner is Runner.HERE:
                raise TimeoutError(details.RUNNER_SILENT.filled(seconds=f"{ANSWER_PATIENCE:g}"))
        charge.pid = await self._runners.replace(session)
        return await self._runners.connect(session, charge)

    # ---- the end ----------------------------------------------------------------------------------------

    async def recover(self, session: Session, reason: EndReason, detail: str = "") -> None:
        """Ends a session whose runner has ended or hangs, calling the script's `stop` once."""
        await self._rows.check()
        key = str(session.pk)
        charge = self._runners.charges.get(key)
        if charge is not None and charge.process is not None and charge.runner is Runner.HERE:
            # It hangs. Should it go on later, it and its successor would both call the script's stop().
            log.warning("session %s: its runner (process %d) does not answer and is killed", key, charge.process)
            kill_runner(charge.process, key)
        session.state = await sync_to_async(state_of)(session)
        if State(session.state) in FINAL:
            self._runners.charges.pop(key, None)
            return
        if State(session.state) is not State.STOPPING:
            why = f"{ENDINGS[reason].sentence} {detail}".strip()
            await self._rows.move(session, Event.STOP, why=why, end_reason=reason, end_detail=detail)
            session.state, session.end_reason, session.end_detail = State.STOPPING, reason, detail
        status = await ask_runner_to_end(self._settings.run_dir, key, self._rows.epoch)
        if status is None:
            status = await self._end_by_successor(session)
        if status is not None:
            await self._rows.judge_stop(session, status)
        await self.end_without_script(session)

    async def _end_by_successor(self, session: Session) -> Status | None:
        """Forks a fresh runner that has the script's `stop` called; None when the script cannot be had any more."""
        try:
            await self._runners.replace(session)
        except (HostError, OSError) as error:
            log.warning("session %s: its script's stop() could not be called: %s", session.pk, error)
            return None
        successor = self._runners.successor_of(session)
        return await ask_runner_to_end(self._settings.run_dir, str(session.pk), self._rows.epoch, successor)

    async def end_without_script(self, session: Session) -> None:
        """Ends what is left of a session, and writes that it is over."""
        await self._rows.check()
        key = str(session.pk)
        survivors = await end_without_runner(self._settings.run_dir, key)
        status = await self._runners.groups.end_survivors(Status(key, survivors=tuple(survivors)))
        await self._runners.groups.end(key)
        await self._rows.judge_stop(session, status)
        session.state = State.STOPPING
        await self._rows.move_to_end(session)
        self._runners.charges.pop(key, None)


def _elsewhere(session: Session, ours: Whereabouts) -> str:
    if session.runner_place != ours.place:
        return details.RUNNER_ELSEWHERE.filled(place=session.runner_place)
    return details.RUNNER_OF_NAMESAKE.filled(place=session.runner_place)


def _something_lives(session: str, endpoint: Endpoint | None) -> bool:
    """Whether anything of a session may live; what cannot be looked at from here may."""
    if processes.marked(session):
        return True
    return endpoint is not None and listens_locally(endpoint) is not False


def _without_socket(session: Session, runner: int, ours: Whereabouts) -> str:
    if not session.runner_place:
        return details.RUNNER_NOWHERE.filled(place=ours.place)
    return details.RUNNER_WITHOUT_SOCKET.filled(process=runner)
