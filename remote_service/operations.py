"""What the supervisor does with a session once it is decided: each a coroutine that moves the row and the runner."""

from __future__ import annotations

import asyncio
import json
import logging
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from asgiref.sync import sync_to_async

from remote_service import details, lifecycle
from remote_service.answers import Answer
from remote_service.catalogue import Catalogue, Entry
from remote_service.conf import GatewaySettings
from remote_service.decisions import Decision, quarantine_reason
from remote_service.endpoints import Endpoint
from remote_service.hosting.client import HostError, RunnerLink
from remote_service.hosting.status import Phase, Status, StopOutcome
from remote_service.leftovers import (
    Successor,
    ask_runner_to_end,
    end_without_runner,
    kill_runner,
    remove_socket,
    socket_path,
)
from remote_service.models import Session
from remote_service.sealing import SealError, seal, unseal
from remote_service.states import ENDINGS, FINAL, EndReason, Event, State
from remote_service.tasks import spawn

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a script's `stop` may take, and then those for a call that is interrupted to come back."""

    stop: float
    interrupt: float


PATIENCE = Patience(stop=10.0, interrupt=2.0)
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(slots=True)
class Charge:
    """A session that this supervisor looks after, and its runner."""

    link: RunnerLink | None = None
    runner: int | None = None
    """Its process id, when we have forked it."""
    status: Status | None = None
    lost: bool = False
    """The runner hung up before the session was over."""
    busy: bool = False
    """Something is being done with it; nothing else is begun."""
    remembered: tuple[str, dict[str, Any] | None, str | None] = ("", None, None)
    """The progress, the script's state and why nothing is known: what stands in the row."""
    log_trouble: str = ""
    """Why its log cannot be written, as was said last."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def over(self) -> bool:
        """Whether the runner has said that nothing is left."""
        return self.status is not None and self.status.phase is Phase.OVER


class Operations:
    """Moves sessions; knows the catalogue in force and the sessions' runners."""

    def __init__(self, settings: GatewaySettings, poke: Callable[[], None]) -> None:
        """`poke` is called whenever the supervisor should look again."""
        self._settings = settings
        self._poke = poke
        self.catalogue = Catalogue({})
        self.charges: dict[str, Charge] = {}

    async def launch(self, session: Session, charge: Charge) -> None:
        """Forks a runner and orders the start."""
        if not await move(session, Event.LAUNCH, why=details.IS_WANTED):
            if charge.link is None:
                # It was given back. With a link it was launched since the look that this launch goes back to.
                self.charges.pop(str(session.pk), None)
            return
        session.state = State.STARTING
        key = str(session.pk)
        try:
            token = unseal(session.sealed_token)
            charge.runner = await self._fork(session)
            charge.link = link = await RunnerLink.connect(key, socket_path(self._settings.run_dir, key))
            spawn(self._follow(key, charge, link), name=f"runner of {key}")
            await link.order(
                "start",
                token=token,
                timestamp=time.time(),
                options=session.options,
                timeout=session.limits.start_timeout,
            )
        except (HostError, OSError, SealError) as error:
            log.error("session %s could not be launched: %s", key, error)
            # What the system says names files of ours, which are not the user's business.
            why = details.NOT_PREPARED if isinstance(error, OSError) else str(error)
            await move(session, Event.STOP, why=why, end_reason=EndReason.START_FAILED, end_detail=why)
            session.end_reason = EndReason.START_FAILED
            await self._end_without_script(session)

    async def _fork(self, session: Session) -> int:
        """Forks the runner, and returns its process id; a script host that has died is started again, once."""
        key = str(session.pk)
        where = socket_path(self._settings.run_dir, key), self._settings.session_logs / f"{key}.log"
        host = self._entry(session).host
        try:
            return await host.fork_runner(key, session.index, *where)
        except HostError as error:
            log.warning("the script host of %s is started again: %s", session.type_name, error)
            entry = self._entry(session)  # by now the sessions file may have been read again
            await entry.revive(host)
            return await entry.host.fork_runner(key, session.index, *where)

    def _entry(self, session: Session) -> Entry:
        entry = self.catalogue.entries.get(session.type_name)
        if entry is None:
            raise HostError(details.TYPE_GONE.filled(type=repr(session.type_name)))
        if session.index >= entry.order.count:
            values = {"type": repr(session.type_name), "count": entry.order.count, "number": session.index + 1}
            raise HostError(details.SLOT_GONE.filled(**values))
        return entry

    async def _follow(self, key: str, charge: Charge, link: RunnerLink) -> None:
        def heard(status: Status) -> None:
            charge.status = status
            charge.changed.set()
            self._poke()

        try:
            await link.follow(heard)
        finally:
            await link.close()
        if self.charges.get(key) is charge:
            charge.lost = True
            charge.changed.set()
            self._poke()

    async def reached(self, session: Session, charge: Charge) -> None:
        """Writes that the session runs, and where."""
        status = charge.status
        assert status is not None and status.endpoint is not None
        await move(
            session,
            Event.REACH,
            why=details.REACHED_AT.filled(endpoint=status.endpoint),
            stored_endpoint=status.endpoint.as_dict(),
            host=self._host(session, status.endpoint),
            sealed_password=seal(status.password or ""),
        )

    def _host(self, session: Session, endpoint: Endpoint) -> str:
        """Where the session's programs are, as far as can be told: a tunnel or a Unix socket ends on this machine."""
        if endpoint.host and endpoint.host not in LOOPBACK:
            return endpoint.host
        entry = self.catalogue.entries.get(session.type_name)
        named = entry.loaded.type.options.get("host") if entry else None
        return named if isinstance(named, str) and named else platform.node()

    async def remember(self, session: Session, charge: Charge) -> None:
        """Keeps what the script said of its progress and saved for a successor, when that has changed."""
        status = charge.status
        if status is None:
            return
        if status.log_trouble != charge.log_trouble:
            charge.log_trouble = status.log_trouble
            if status.log_trouble:
                log.error("session %s: its log cannot be written, and it goes on: %s", session.pk, status.log_trouble)
        unknown = status.poll.reason if status.poll.answer is Answer.UNKNOWN else None
        if charge.remembered == (status.progress, status.state, unknown):
            return
        charge.remembered = (status.progress, status.state, unknown)
        script_state = "" if status.state is None else seal(json.dumps(status.state))
        await sync_to_async(lifecycle.remember)(session.pk, status.progress, script_state, unknown)

    async def stop(self, session: Session, charge: Charge, decision: Decision, patience: Patience = PATIENCE) -> None:
        """Writes why the session ends, and orders the stop."""
        reason = decision.reason or EndReason.USER
        why = f"{ENDINGS[reason].sentence} {decision.detail}".strip()
        if not await move(session, Event.STOP, why=why, end_reason=reason, end_detail=decision.detail):
            return
        try:
            assert charge.link is not None
            await charge.link.order("stop", timeout=patience.stop, patience=patience.interrupt)
        except OSError:
            charge.lost = True

    async def drop(self, session: Session, decision: Decision) -> None:
        """Ends a reservation of which nothing was started."""
        reason = decision.reason or EndReason.RELEASED
        why = f"{ENDINGS[reason].sentence} {decision.detail}".strip()
        await move(session, Event.DROP, why=why, end_reason=reason, end_detail=decision.detail)
        self.charges.pop(str(session.pk), None)

    async def finish(self, session: Session, charge: Charge) -> None:
        """Writes that the session is over, and lets its runner go."""
        assert charge.status is not None
        key = str(session.pk)
        await self._judge_stop(session, charge.status)
        await move_to_end(session)
        if charge.link is not None:
            try:
                await charge.link.order("dismiss")
            except OSError:
                log.debug("the runner of %s had left", key)
        remove_socket(self._settings.run_dir, key)
        # Last, so that nobody finds the session without its charge and takes its runner for lost.
        self.charges.pop(key, None)

    async def recover(self, session: Session, reason: EndReason) -> None:
        """Ends a session whose runner is not ours or not there any more, calling the script's `stop` once."""
        key = str(session.pk)
        charge = self.charges.get(key)
        if charge is not None and charge.runner is not None and not charge.lost:
            # It hangs. Should it go on later, it and its successor would both call the script's stop().
            log.warning("session %s: its runner (process %d) does not answer and is killed", key, charge.runner)
            kill_runner(charge.runner, key)
        status = await ask_runner_to_end(self._settings.run_dir, key)
        if status is None:
            status = await self._end_by_successor(session)
        if status is not None:
            await self._judge_stop(session, status)
        state = await sync_to_async(state_of)(session)
        if state in FINAL:
            self.charges.pop(key, None)
            return
        session.state = state
        if state is not State.STOPPING:
            await move(session, Event.STOP, why=ENDINGS[reason].sentence, end_reason=reason)
            session.state, session.end_reason = State.STOPPING, reason
        await self._end_without_script(session)

    async def _end_by_successor(self, session: Session) -> Status | None:
        """Forks a fresh runner that has the script's `stop` called; None when the script cannot be had any more."""
        state = None
        try:
            await self._fork(session)
            state = json.loads(unseal(session.sealed_script_state) or "null")
        except SealError as error:
            log.warning("session %s: its script's stop() has to do without its state: %s", session.pk, error)
        except (HostError, OSError) as error:
            log.warning("session %s: its script's stop() could not be called: %s", session.pk, error)
            return None
        return await ask_runner_to_end(self._settings.run_dir, str(session.pk), Successor(state, session.endpoint))

    async def _end_without_script(self, session: Session) -> None:
        key = str(session.pk)
        survivors = await end_without_runner(self._settings.run_dir, key)
        await self._judge_stop(session, Status(key, survivors=tuple(survivors)))
        session.state = State.STOPPING
        await move_to_end(session)
        self.charges.pop(key, None)

    async def _judge_stop(self, session: Session, status: Status) -> None:
        if why := quarantine_reason(status):
            await sync_to_async(lifecycle.quarantine)(session.pk, why)
        elif status.stop is StopOutcome.FAILED:
            await sync_to_async(lifecycle.note_failed_stop)(session.pk)


async def move(session: Session, event: Event, *, why: str, **changes: Any) -> bool:
    """Moves the row if it is still in the state that `session` shows."""
    return await sync_to_async(lifecycle.transition)(session.pk, State(session.state), event, why=why, **changes)


async def move_to_end(session: Session) -> bool:
    """Moves the row to the final state that its reason calls for."""
    ending = ENDINGS[EndReason(session.end_reason)]
    event = Event.FAIL if ending.final is State.FAILED else Event.FINISH
    return await move(session, event, why=session.ending)


def state_of(session: Session) -> State:
    """The state as it is stored now."""
    return State(Session.objects.values_list("state", flat=True).get(pk=session.pk))
