"""The course of one session in its runner, without I/O: events and the time go in, commands come out.

The rules it keeps (see `remote_service.script`): `stop` is called once for every `start` that was called and did not
return something false, again only when the process died inside the call; calls never overlap; in the end all is OVER.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from remote_service import details
from remote_service.answers import Answer, Poll
from remote_service.endpoints import Endpoint
from remote_service.hosting.programs import Program
from remote_service.hosting.status import NEEDS_NO_STOP, Phase, StartFault, Status, StopOutcome
from remote_service.hosting.steps import Command, Outcome, Step

INTERRUPT_PATIENCE = 2.0
"""Seconds a call has to return after it was interrupted, before its process is killed."""
POLL_INTERVAL = 1.0
"""Seconds between two questions to `poll`."""
POLL_PATIENCE = 5.0
"""Seconds after which a `poll` that has not returned counts as *unknown*."""
STOP_TIMEOUT = 10.0
"""Seconds that `stop` may take when nobody ordered otherwise."""
STOP_TRIES, REPLACEMENTS = 2, 3
"""The most calls of `stop`; how often a worker that dies between calls gets a successor, before all is given up."""


State = dict[str, Any] | None
"""What a script saved, if it did."""


class Course:
    """The state machine. Every method takes the monotonic time in seconds and returns the commands to carry out."""

    def __init__(self, session: str, runner: int = 0) -> None:
        self.status = Status(session, runner=runner)
        self._call = ""
        self._called_at = 0.0
        self._interrupted_at: float | None = None
        self._start_timeout: float | None = None
        self._start_arguments: dict[str, Any] = {}
        self._start_deadline: float | None = None
        self._stop_timeout: float | None = None
        self._stop_tries = 0
        self._next_poll = 0.0
        self._replaced = 0
        self._patience = INTERRUPT_PATIENCE

    # ---- orders of the supervisor -----------------------------------------------------------------------

    def start(self, now: float, arguments: dict[str, Any], timeout: float | None) -> list[Step]:
        """Orders the start; a second order changes nothing. `timeout` in seconds, None for no limit."""
        if self.status.phase is not Phase.IDLE:
            return []
        self._start_timeout = timeout
        self._start_arguments = arguments
        self._start_deadline = None if timeout is None else now + timeout
        self._become(phase=Phase.STARTING)
        return [self._make_call(now, "validate", {"options": arguments["options"]})]

    def recover(self, state: State, endpoint: Endpoint | None, programs: Sequence[Program] = ()) -> list[Step]:
        """Takes over a session whose runner was killed: its script's saved state goes into a fresh worker."""
        if self.status.phase is not Phase.IDLE:
            return []
        self._become(phase=Phase.READY, state=state, endpoint=endpoint, programs=tuple(programs))
        return [Step(Command.REPLACE)]

    def stop(self, now: float, timeout: float, patience: float = INTERRUPT_PATIENCE) -> list[Step]:
        """Orders the end; `timeout` is what the script's `stop` may take. A later order may only shorten it.

        `patience` replaces `INTERRUPT_PATIENCE` from now on: a server that is stopping has little of it.
        """
        self._patience = min(patience, self._patience)
        self._stop_timeout = timeout if self._stop_timeout is None else min(timeout, self._stop_timeout)
        if self.status.phase is Phase.IDLE:
            return self._clean()
        if self.status.phase in (Phase.STARTING, Phase.WAITING, Phase.READY):
            return self._to_stop(now)
        return []

    # ---- what happened ----------------------------------------------------------------------------------

    def published(self, endpoint: Endpoint, password: str | None) -> None:
        """The script named its endpoint."""
        self._become(endpoint=endpoint, password=password)

    def saved(self, state: dict[str, Any]) -> None:
        """The script saved its state."""
        self._become(state=state)

    def spawned(self, program: Program) -> None:
        """The script started a program."""
        self._become(programs=(*self.status.programs, program))

    def call_ended(self, now: float, outcome: Outcome) -> list[Step]:
        """The running call came back; an outcome while none runs is nobody's, and changes nothing."""
        call, self._call, self._interrupted_at = self._call, "", None
        if not call:
            return []
        if call == "stop":
            self._become(stop=StopOutcome.DONE if outcome.kind == "done" else StopOutcome.FAILED)
            return self._clean()
        if self.status.phase is Phase.STOPPING:
            nothing_runs = call == "start" and outcome.kind == "falsy" and not self.status.fault
            return self._clean() if nothing_runs or call == "validate" else [self._call_stop(now)]
        if call == "validate":
            return self._validated(now, outcome)
        if call == "start":
            return self._start_ended(now, outcome)
        return self._poll_ended(now, outcome)

    def listens(self, now: float) -> None:
        """The endpoint listens."""
        if self.status.phase is Phase.WAITING:
            self._become(phase=Phase.READY)
            self._next_poll = now + POLL_INTERVAL

    def worker_died(self, now: float, how: str) -> list[Step]:
        """The worker's process ended without being asked to; `how` says how ("exit status 3", "signal 9")."""
        call, interrupted, phase = self._call, self._interrupted_at is not None, self.status.phase
        self._call, self._interrupted_at = "", None
        if phase is Phase.STARTING and self.status.fault is None:
            self._become(fault=StartFault.DIED, detail=details.SCRIPT_DIED.filled(how=how))
        if call == "validate":
            return self._clean()
        if phase is Phase.STARTING:
            return [Step(Command.REPLACE), *self._to_stop(now)]
        if phase in (Phase.IDLE, Phase.WAITING, Phase.READY):
            self._replaced += 1
            self._next_poll = now + POLL_INTERVAL
            return self._give_up(now, how) if self._replaced > REPLACEMENTS else [Step(Command.REPLACE)]
        if phase is Phase.STOPPING:
            if call == "stop" and interrupted:
                # It hung, and the interrupt ended its process: the same as one that had to be killed.
                return self._clean()
            if call == "stop" and self._stop_tries >= STOP_TRIES:
                self._become(stop=StopOutcome.FAILED)
                return self._clean()
            return [Step(Command.REPLACE), self._call_stop(now)]
        return []

    def cleaned(self, survivors: tuple[int, ...]) -> None:
        """Everything that could be ended has ended."""
        self._become(phase=Phase.OVER, survivors=survivors)

    def tick(self, now: float) -> list[Step]:
        """Time has passed: deadlines and the next poll."""
        if self._call and self._interrupted_at is not None:
            return self._after_interrupt(now)
        if self.status.phase is Phase.STARTING and self._due(now):
            # `stop` waits until the call has come back or its process is gone.
            self._become(fault=StartFault.TIMEOUT, detail=self._timeout_sentence())
            return self._interrupt(now)
        if self.status.phase is Phase.WAITING and self._due(now):
            why = details.NEVER_LISTENED.filled(endpoint=self.status.endpoint)
            return self._fail(now, StartFault.NEVER_LISTENED, why)
        if self._call == "stop" and now >= self._called_at + self._stop_patience:
            self._become(stop=StopOutcome.HUNG)
            return self._interrupt(now)
        if self._call == "poll" and now >= self._called_at + POLL_PATIENCE:
            self._become(poll=Poll.unknown(details.POLL_SILENT.filled(seconds=f"{POLL_PATIENCE:g}")))
        elif not self._call and self.status.phase in (Phase.WAITING, Phase.READY) and now >= self._next_poll:
            return [self._make_call(now, "poll", {"has_listened": self.status.phase is Phase.READY})]
        return []

    def next_deadline(self, now: float) -> float:
        """Seconds until `tick` may have something to do."""
        moments = [self._next_poll if not self._call else self._called_at + POLL_PATIENCE]
        if self._start_deadline is not None and self.status.phase in (Phase.STARTING, Phase.WAITING):
            moments.append(self._start_deadline)
        if self._call == "stop":
            moments.append(self._called_at + self._stop_patience)
        if self._interrupted_at is not None:
            moments.append(self._interrupted_at + self._patience)
        return max(0.02, min((m for m in moments if m > now), default=now + 1.0) - now)

    def logged(self, trouble: str) -> None:
        """Why the log cannot be written; empty while it can."""
        self._become(log_trouble=trouble)

    # ---- inside -----------------------------------------------------------------------------------------

    def _become(self, **changes: Any) -> None:
        self.status = replace(self.status, **changes)

    @property
    def _stop_patience(self) -> float:
        return STOP_TIMEOUT if self._stop_timeout is None else self._stop_timeout

    def _due(self, now: float) -> bool:
        return self._start_deadline is not None and now >= self._start_deadline

    def _timeout_sentence(self) -> str:
        name = "validate_options" if self._call == "validate" else self._call
        return details.TOOK_TOO_LONG.filled(call=name, seconds=f"{self._start_timeout:g}")

    def _make_call(self, now: float, call: str, arguments: dict[str, Any]) -> Step:
        self._call, self._called_at = call, now
        return Step(Command.CALL, call, arguments)

    def _call_stop(self, now: float) -> Step:
        self._stop_tries += 1
        return self._make_call(now, "stop", {})

    def _interrupt(self, now: float) -> list[Step]:
        self._interrupted_at = now
        return [Step(Command.INTERRUPT)]

    def _after_interrupt(self, now: float) -> list[Step]:
        assert self._interrupted_at is not None
        if now < self._interrupted_at + self._patience:
            return []
        call, self._call, self._interrupted_at = self._call, "", None
        if call in ("validate", "stop"):
            return self._clean()
        if self.status.phase is Phase.STARTING:
            return [Step(Command.REPLACE), *self._to_stop(now)]
        return [Step(Command.REPLACE), self._call_stop(now)]

    def _validated(self, now: float, outcome: Outcome) -> list[Step]:
        if self.status.fault is StartFault.TIMEOUT:
            return self._clean()
        if outcome.kind != "done":
            return self._fail(now, StartFault.REFUSED, outcome.detail)
        return [self._make_call(now, "start", self._start_arguments)]

    def _start_ended(self, now: float, outcome: Outcome) -> list[Step]:
        if self.status.fault is StartFault.TIMEOUT:
            return self._to_stop(now)
        if outcome.kind == "falsy":
            return self._fail(now, StartFault.FALSY, outcome.detail)
        if outcome.kind != "done":
            return self._fail(now, StartFault.RAISED, outcome.detail)
        if self.status.endpoint is None:
            return self._fail(now, StartFault.NO_ENDPOINT, details.NO_ENDPOINT)
        self._become(phase=Phase.WAITING)
        self._next_poll = now + POLL_INTERVAL
        return []

    def _poll_ended(self, now: float, outcome: Outcome) -> list[Step]:
        self._next_poll = now + POLL_INTERVAL
        if outcome.kind != "done":
            self._become(poll=Poll.unknown(details.POLL_FAILED.filled(reason=outcome.detail)))
            return []
        answer, reason, progress = outcome.value
        self._become(poll=Poll(Answer(answer), reason), progress=progress)
        if self.status.phase is Phase.WAITING and self.status.poll.answer is Answer.ENDED:
            return self._fail(now, StartFault.ENDED_EARLY, details.ENDED_EARLY.filled(reason=reason))
        return []

    def _fail(self, now: float, fault: StartFault, detail: str) -> list[Step]:
        self._become(fault=fault, detail=detail)
        return self._clean() if fault in NEEDS_NO_STOP else self._to_stop(now)

    def _give_up(self, now: float, how: str) -> list[Step]:
        why = details.DIED_AGAIN.filled(how=how)
        if self.status.phase is Phase.IDLE:
            self._become(fault=StartFault.DIED, detail=why)
            return self._clean()
        if self.status.phase is Phase.WAITING:
            return [Step(Command.REPLACE), *self._fail(now, StartFault.DIED, why)]
        self._become(poll=Poll.ended(why))
        return [Step(Command.REPLACE), *self._to_stop(now)]

    def _to_stop(self, now: float) -> list[Step]:
        """`stop` comes next: at once, or when the call that is running has been interrupted."""
        self._become(phase=Phase.STOPPING)
        if self._interrupted_at is not None:
            return []
        return self._interrupt(now) if self._call else [self._call_stop(now)]

    def _clean(self) -> list[Step]:
        self._become(phase=Phase.CLEANING)
        return [Step(Command.CLEAN)]
