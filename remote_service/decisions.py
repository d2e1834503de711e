"""What the supervisor does next with a session: a pure function of what is known and how old it is.

Ages are in seconds on a monotonic clock; limits are in seconds, None for none (design, section 4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from remote_service import details
from remote_service.answers import Answer
from remote_service.config.schema import Limits
from remote_service.hosting.status import Phase, Status, StopOutcome
from remote_service.states import EndReason, State


class Runner(StrEnum):
    """What is known of the process that holds a session."""

    UNSEEN = "unseen"
    """This supervisor has not looked for it."""
    HERE = "here"
    """It obeys us."""
    LOST = "lost"
    """It has ended."""
    NEVER = "never"
    """It was never forked: nothing of the script has been called."""
    AWAY = "away"
    """It is where we cannot reach it, or does not answer: nobody knows."""


class Action(StrEnum):
    """What to do."""

    NOTHING = "nothing"
    LAUNCH = "launch"
    """Fork a runner and order the start."""
    ADOPT = "adopt"
    """Look for the runner that an earlier supervisor forked."""
    LAUNCH_AGAIN = "launch_again"
    """The same as a launch, of one that an earlier supervisor had only written down."""
    SUCCEED = "succeed"
    """Its runner has ended: fork another one that goes on with its programs."""
    DECLARE = "declare"
    """Write that it is over, since staff says so: nobody can look."""
    REACHED = "reached"
    """Write that it runs."""
    STOP = "stop"
    """Write why, and order the stop."""
    DROP = "drop"
    """End a reservation of which nothing was started."""
    FINISH = "finish"
    """Write that it is over."""
    RECOVER = "recover"
    """Its runner has ended or hangs: end what is left."""
    WARN = "warn"
    """Write that a limit ends it soon, or, without a reason, that none does any more."""


@dataclass(frozen=True, slots=True)
class Decision:
    """An action, with the reason of an end and a sentence where there is one."""

    action: Action
    reason: EndReason | None = None
    detail: str = ""
    left: float = 0.0
    """Of a warning: seconds until then."""


NOTHING = Decision(Action.NOTHING)
RUNNER_GRACE = 45.0
"""Seconds that a runner may take for an end, or for a start beyond the script's own time. One that takes longer does
not run any more, since it keeps to its deadlines whatever the script does: somebody has stopped it."""
WARNING_TIME = 60.0
"""Seconds before a limit's end at which users are warned; of a limit shorter than two minutes, the half of it."""
_ON_THE_WAY = frozenset({Phase.IDLE, Phase.STARTING, Phase.WAITING})


@dataclass(frozen=True, slots=True)
class Departure:
    """A viewer that left and did not come back: how long ago, and whether it said goodbye."""

    age: float
    clean: bool


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that counts for one session at one moment."""

    state: State
    wanted: str
    wanted_reason: EndReason | None
    wanted_detail: str
    limits: Limits
    keep: bool
    """Whether it stays when its last viewer has left."""
    state_age: float
    running_age: float = 0.0
    """Seconds since it began to run."""
    unseen_age: float = 0.0
    """Seconds in which somebody could have opened it since then."""
    input_age: float = 0.0
    """Seconds since the last real input, or since it began to run."""
    extension: float = 0.0
    """Seconds by which its user has made its longest time longer."""
    warned: EndReason | None = None
    """The limit that its users are warned of."""
    viewers: int = 0
    departures: tuple[Departure, ...] = ()
    status: Status | None = None
    """What its runner said last; None when there is no runner that we know of."""
    runner: Runner = Runner.UNSEEN
    may_try_again: bool = True
    """Whether enough time has passed since it was looked for, or replaced, in vain."""


def decide(known: Known) -> Decision:
    """What to do now; at most one thing, the next look comes at once after it."""
    if known.state in (State.RESERVED, State.ENDED, State.FAILED):
        return _BY_STATE[known.state](known)
    if known.status is None and known.runner in _WITHOUT_RUNNER:
        return _WITHOUT_RUNNER[known.runner](known)
    over = known.status is not None and known.status.phase is Phase.OVER
    if not over and _overdue(known):
        return Decision(Action.RECOVER, EndReason.RUNNER_LOST)
    if not over and known.runner is Runner.LOST:
        return _without_runner(known)
    return _BY_STATE[known.state](known)


def _unseen(_known: Known) -> Decision:
    return Decision(Action.ADOPT)


def _never_forked(known: Known) -> Decision:
    """Written down and no more: of an earlier supervisor's launch, or of the stop of one."""
    return Decision(Action.LAUNCH_AGAIN) if known.state is State.STARTING else _lost(known)


def _away(known: Known) -> Decision:
    """Nobody knows; so nothing is freed and nothing ended, but by who takes the responsibility."""
    if known.wanted == "stop" and known.wanted_reason is EndReason.STAFF:
        return Decision(Action.DECLARE, known.wanted_reason, known.wanted_detail)
    return Decision(Action.ADOPT) if known.may_try_again else NOTHING


def _without_runner(known: Known) -> Decision:
    """What runs goes on with another one; what was about to start or to stop is ended."""
    if known.state is not State.RUNNING:
        return _lost(known)
    if known.wanted == "stop":
        return Decision(Action.RECOVER, known.wanted_reason or EndReason.USER, known.wanted_detail)
    return Decision(Action.SUCCEED) if known.may_try_again else NOTHING


def _lost(_known: Known) -> Decision:
    return Decision(Action.RECOVER, EndReason.RUNNER_LOST)


_WITHOUT_RUNNER: dict[Runner, Callable[[Known], Decision]] = {
    Runner.UNSEEN: _unseen,
    Runner.NEVER: _never_forked,
    Runner.AWAY: _away,
    Runner.LOST: _without_runner,
}


def _overdue(known: Known) -> bool:
    """Whether the runner has let a deadline of its own pass."""
    if known.state is State.STOPPING:
        return known.state_age >= RUNNER_GRACE
    limit = known.limits.start_timeout
    return known.state is State.STARTING and limit is not None and known.state_age >= limit + RUNNER_GRACE


def _reserved(known: Known) -> Decision:
    if known.wanted == "stop":
        return Decision(Action.DROP, known.wanted_reason or EndReason.RELEASED, known.wanted_detail)
    if known.wanted == "start":
        return Decision(Action.LAUNCH)
    if _late(known.state_age, known.limits.reservation_timeout):
        return Decision(Action.DROP, EndReason.RESERVATION_EXPIRED)
    return NOTHING


def _starting(known: Known) -> Decision:
    status = known.status
    if status is not None and status.fault is not None:
        return Decision(Action.STOP, EndReason.START_FAILED, status.detail)
    if known.wanted == "stop":
        return Decision(Action.STOP, known.wanted_reason or EndReason.USER, known.wanted_detail)
    if status is not None and status.phase is Phase.READY:
        return Decision(Action.REACHED)
    if status is not None and status.phase not in _ON_THE_WAY:
        # The runner has given it up without a fault of the start, for instance since its process died too often.
        return Decision(Action.STOP, EndReason.START_FAILED, status.detail or status.poll.reason)
    return NOTHING


def _running(known: Known) -> Decision:
    status = known.status
    if status is not None and status.phase is Phase.IDLE:
        # It was forked to go on with the session, and has not been told yet; of itself it has nothing to stop.
        return Decision(Action.SUCCEED) if known.may_try_again else NOTHING
    if known.wanted == "stop":
        return Decision(Action.STOP, known.wanted_reason or EndReason.USER, known.wanted_detail)
    # While a viewer still gets bytes the program is not over, whatever a listening socket says: some servers close
    # theirs after the first viewer. When it is over, the relay sees that first and the viewer is gone.
    if status is not None and status.poll.answer is Answer.ENDED and not known.viewers:
        return Decision(Action.STOP, EndReason.PROGRAM_ENDED, status.poll.reason)
    if status is not None and status.phase is not Phase.READY:
        return Decision(Action.STOP, EndReason.PROGRAM_ENDED, status.detail or status.poll.reason)
    limits = _limits_that_run(known)
    for reason, age, limit in limits:
        if age >= limit:
            return Decision(Action.STOP, reason)
    deserted = _deserted(known)
    return _warning(known.warned, limits) if deserted is NOTHING else deserted


def _limits_that_run(known: Known) -> list[tuple[EndReason, float, float]]:
    """The limits that end it whoever looks at it: the reason, how much of it is used up, how much there is."""
    longest = known.limits.max_lifetime
    found = (
        (EndReason.LIFETIME, known.running_age, None if longest is None else longest + known.extension),
        (EndReason.IDLE, known.input_age, known.limits.idle_timeout),
    )
    return [(reason, age, limit) for reason, age, limit in found if limit is not None]


def _warning(warned: EndReason | None, limits: Sequence[tuple[EndReason, float, float]]) -> Decision:
    """Of the limit that ends it next, when that is soon; nothing when that is what its users are warned of."""
    near = [(limit - age, reason) for reason, age, limit in limits if limit - age <= min(WARNING_TIME, limit / 2)]
    left, reason = min(near, default=(0.0, None))
    return NOTHING if reason is warned else Decision(Action.WARN, reason, left=left)


def _deserted(known: Known) -> Decision:
    """The last viewer has left, or none ever came."""
    if known.viewers or known.keep:
        return NOTHING
    if not known.departures:
        late = _late(known.unseen_age, known.limits.reservation_timeout)
        return Decision(Action.STOP, EndReason.NEVER_VIEWED) if late else NOTHING
    gone = all(
        _late(departure.age, known.limits.linger if departure.clean else known.limits.reconnect)
        for departure in known.departures
    )
    return Decision(Action.STOP, EndReason.LAST_VIEWER) if gone else NOTHING


def _stopping(known: Known) -> Decision:
    status = known.status
    if status is not None and status.phase is Phase.OVER:
        return Decision(Action.FINISH)
    return NOTHING


def _over(_known: Known) -> Decision:
    return NOTHING


def _late(age: float, limit: float | None) -> bool:
    return limit is not None and age >= limit


def quarantine_reason(status: Status) -> str:
    """Why the slot of a session that is over may not be given to the next one; empty when it may."""
    if status.survivors:
        return details.SURVIVORS.filled(pids=", ".join(map(str, status.survivors)))
    if status.stop is StopOutcome.HUNG:
        return details.STOP_HUNG
    return ""


_BY_STATE = {
    State.RESERVED: _reserved,
    State.STARTING: _starting,
    State.QUEUED: _starting,
    State.RUNNING: _running,
    State.STOPPING: _stopping,
    State.ENDED: _over,
    State.FAILED: _over,
}
