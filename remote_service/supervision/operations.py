"""The ordinary course of a session, as the supervisor has decided it: each a coroutine that moves row and runner."""

from __future__ import annotations

import errno
import json
import logging
import platform
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from remote_service import details, lifecycle
from remote_service.answers import Answer
from remote_service.conf import GatewaySettings
from remote_service.decisions import Decision, Runner
from remote_service.endpoints import Endpoint
from remote_service.hosting.client import HostError
from remote_service.hosting.machine import here
from remote_service.hosting.status import Phase, Status
from remote_service.leftovers import remove_socket
from remote_service.models import MOST_REASON, Session
from remote_service.sealing import SealError, seal
from remote_service.states import ENDINGS, EndReason, Event, State
from remote_service.supervision.charges import Charge
from remote_service.supervision.groups import LEAVE_PATIENCE
from remote_service.supervision.rows import Rows
from remote_service.supervision.runners import Runners

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a script's `stop` may take, and then those for a call that is interrupted to come back."""

    stop: float
    interrupt: float


PATIENCE = Patience(stop=10.0, interrupt=2.0)
_BY_ITSELF = frozenset({EndReason.START_FAILED, EndReason.PROGRAM_ENDED})
"""Ends for which something of the session's is the cause."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Operations:
    """Moves sessions."""

    def __init__(
        self,
        settings: GatewaySettings,
        rows: Rows,
        runners: Runners,
        give_up: Callable[[Session], Awaitable[None]],
    ) -> None:
        """Prepares.

        Args:
            settings: the framework's.
            rows: for writing.
            runners: the sessions'.
            give_up: ends what is left of a session without its script.
        """
        self._settings = settings
        self._rows = rows
        self._runners = runners
        self._give_up = give_up

    async def launch(self, session: Session, charge: Charge) -> None:
        """Writes that the session starts, and where; then forks its runner and orders the start."""
        where = here(self._settings.run_dir)
        if not await self._rows.move(session, Event.LAUNCH, why=details.IS_WANTED, **where.as_columns()):
            if charge.link is None:
                # It was given back. With a link it was launched since the look that this launch goes back to.
                self._runners.charges.pop(str(session.pk), None)
            return
        session.state = State.STARTING
        await self.launch_again(session, charge)

    async def launch_again(self, session: Session, charge: Charge) -> None:
        """The same of a session of which it has been written: nothing of its script has been called."""
        try:
            charge.pid = await self._runners.fork(session)
            await self._runners.order_start(session, await self._runners.connect(session, charge))
        except (HostError, OSError, SealError) as error:
            if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
                # An earlier supervisor that was slow has forked it after all.
                charge.runner = Runner.UNSEEN
                return
            log.error("session %s could not be launched: %s", session.pk, error)
            # What the system says names files of ours, which are not the user's business.
            why = details.NOT_PREPARED if isinstance(error, OSError) else str(error)
            await self._rows.move(session, Event.STOP, why=why, end_reason=EndReason.START_FAILED, end_detail=why)
            session.end_reason, session.end_detail = EndReason.START_FAILED, why
            await self._give_up(session)

    async def reached(self, session: Session, charge: Charge) -> None:
        """Writes that the session runs, and where."""
        status = charge.status
        assert status is not None and status.endpoint is not None
        await self._rows.move(
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
        entry = self._runners.catalogue.entries.get(session.type_name)
        named = entry.loaded.type.options.get("host") if entry else None
        return named if isinstance(named, str) and named else platform.node()

    async def remember(self, session: Session, charge: Charge) -> None:
        """Keeps what the runner says for a successor and for users, when that has changed."""
        status = charge.status
        unknown = charge.trouble
        if status is not None:
            self._complain_of_log(session, charge, status)
            unknown = unknown or (status.poll.reason if status.poll.answer is Answer.UNKNOWN else "")
            said = (status.progress, status.state, status.programs)
            # One that is idle has nothing to say; what its predecessor said is what it is to go on with.
            if charge.remembered != said and status.phase is not Phase.IDLE:
                charge.remembered = said
                script_state = "" if status.state is None else seal(json.dumps(status.state))
                programs = [program.as_list() for program in status.programs]
                await self._rows.write(lifecycle.remember, session.pk, status.progress, script_state, programs)
        if (status is not None or unknown) and unknown[:MOST_REASON] != session.unknown_reason:
            await self._rows.write(lifecycle.doubt, session.pk, unknown)

    def _complain_of_log(self, session: Session, charge: Charge, status: Status) -> None:
        if status.log_trouble != charge.log_trouble:
            charge.log_trouble = status.log_trouble
            if status.log_trouble:
                log.error("session %s: its log cannot be written, and it goes on: %s", session.pk, status.log_trouble)

    async def stop(self, session: Session, charge: Charge, decision: Decision, patience: Patience = PATIENCE) -> None:
        """Writes why the session ends, and orders the stop."""
        reason, detail = decision.reason or EndReason.USER, decision.detail
        if reason in _BY_ITSELF:
            detail = self._runners.groups.with_refusals(session, detail).strip()
        why = f"{ENDINGS[reason].sentence} {detail}".strip()
        if not await self._rows.move(session, Event.STOP, why=why, end_reason=reason, end_detail=detail):
            return
        try:
            assert charge.link is not None
            await charge.link.order("stop", timeout=patience.stop, patience=patience.interrupt)
        except OSError:
            charge.runner = Runner.LOST

    async def drop(self, session: Session, decision: Decision) -> None:
        """Ends a reservation of which nothing was started."""
        reason = decision.reason or EndReason.RELEASED
        why = f"{ENDINGS[reason].sentence} {decision.detail}".strip()
        await self._rows.move(session, Event.DROP, why=why, end_reason=reason, end_detail=decision.detail)
        self._runners.charges.pop(str(session.pk), None)

    async def finish(self, session: Session, charge: Charge) -> None:
        """Writes that the session is over, and lets its runner go."""
        assert charge.status is not None
        key = str(session.pk)
        groups = self._runners.groups
        await self._rows.judge_stop(session, await groups.end_survivors(charge.status))
        await self._rows.move_to_end(session)
        if charge.link is not None:
            try:
                await charge.link.order("dismiss")
            except OSError:
                log.debug("the runner of %s had left", key)
        await groups.end(key, leave=LEAVE_PATIENCE)
        remove_socket(self._settings.run_dir, key)
        # Last, so that nobody finds the session without its charge and takes its runner for lost.
        self._runners.charges.pop(key, None)
