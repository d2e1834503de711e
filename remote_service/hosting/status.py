"""What a runner tells the supervisor about its session: one record, sent whole at every change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from remote_service.answers import Answer, Poll
from remote_service.endpoints import Endpoint
from remote_service.hosting.programs import Program


class Phase(StrEnum):
    """How far the session has come in its runner; it never goes back."""

    IDLE = "idle"
    """Nothing of the script has been called."""
    STARTING = "starting"
    """`start` is running."""
    WAITING = "waiting"
    """`start` succeeded; the endpoint does not listen yet."""
    READY = "ready"
    """The endpoint listens."""
    STOPPING = "stopping"
    """`stop` is running, or about to."""
    CLEANING = "cleaning"
    """What the session left behind is being ended."""
    OVER = "over"
    """Nothing of the session is left but this runner."""


class StartFault(StrEnum):
    """Why a start failed."""

    REFUSED = "refused"
    """`validate_options` said so; `start` was not called."""
    FALSY = "falsy"
    """`start` returned something false."""
    RAISED = "raised"
    """`start` raised, or left by `sys.exit`."""
    DIED = "died"
    """The process that ran `start` ended."""
    TIMEOUT = "timeout"
    """`start` did not return in time."""
    NO_ENDPOINT = "no_endpoint"
    """`start` succeeded without naming an endpoint."""
    NEVER_LISTENED = "never_listened"
    """The endpoint did not listen in time."""
    ENDED_EARLY = "ended_early"
    """The program ended before its endpoint listened."""


NEEDS_NO_STOP = frozenset({StartFault.REFUSED, StartFault.FALSY})


class StopOutcome(StrEnum):
    """How `stop` went."""

    NOT_CALLED = "not_called"
    DONE = "done"
    FAILED = "failed"
    """It returned something false or raised."""
    HUNG = "hung"
    """It did not return in time, twice over: nobody knows what is left, so the slot is quarantined."""


@dataclass(frozen=True, slots=True)
class Status:
    """One snapshot. `detail` is for the user: one sentence. `survivors` are pids that could not be ended."""

    session: str
    phase: Phase = Phase.IDLE
    fault: StartFault | None = None
    detail: str = ""
    endpoint: Endpoint | None = None
    password: str | None = field(default=None, repr=False)
    poll: Poll = field(default_factory=Poll.alive)
    progress: str = ""
    stop: StopOutcome = StopOutcome.NOT_CALLED
    survivors: tuple[int, ...] = ()
    state: dict[str, Any] | None = field(default=None, repr=False)
    """What the script saved for a successor."""
    programs: tuple[Program, ...] = ()
    """What the script spawned."""
    runner: int = 0
    """The runner's own pid."""
    log_trouble: str = ""
    """Why the session's log cannot be written; empty while it can."""

    def as_dict(self) -> dict[str, Any]:
        """The JSON-able form that `from_dict` takes back."""
        return asdict(self) | {
            "endpoint": None if self.endpoint is None else self.endpoint.as_dict(),
            "poll": [self.poll.answer.value, self.poll.reason],
            "survivors": list(self.survivors),
            "programs": [program.as_list() for program in self.programs],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Status:
        """What `as_dict` gave."""
        answer, reason = data["poll"]
        return cls(
            session=data["session"],
            phase=Phase(data["phase"]),
            fault=StartFault(data["fault"]) if data["fault"] else None,
            detail=data["detail"],
            endpoint=Endpoint.from_dict(data["endpoint"]) if data["endpoint"] else None,
            password=data["password"],
            poll=Poll(Answer(answer), reason),
            progress=data["progress"],
            stop=StopOutcome(data["stop"]),
            survivors=tuple(data["survivors"]),
            state=data["state"],
            log_trouble=data.get("log_trouble", ""),
            runner=data.get("runner", 0),
            programs=tuple(Program.from_list(program) for program in data.get("programs", ())),
        )
