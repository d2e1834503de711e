"""The states of a session, what leads from one to the next, and why sessions end. Tables only: no clock, no database.

reserved --launch--> starting [--queue--> queued] --reach--> running
reserved --drop----> ended
starting, queued, running --stop--> stopping --finish--> ended, or failed: the reason's own table says which
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from remote_service.texts import Sentence
from remote_service.texts import sentence as _


class State(StrEnum):
    """How far a session has come. It never goes back."""

    RESERVED = "reserved"
    """A slot is held; nothing of the script has been called."""
    STARTING = "starting"
    """`start` runs, or the endpoint is waited for."""
    QUEUED = "queued"
    """A scheduler has the job and has not begun it."""
    RUNNING = "running"
    """The endpoint listens; viewers are served."""
    STOPPING = "stopping"
    """`stop` runs, and what is left is being ended."""
    ENDED = "ended"
    """Over, as it should be."""
    FAILED = "failed"
    """Over, because something went wrong."""


class Event(StrEnum):
    """What moves a session."""

    LAUNCH = "launch"
    QUEUE = "queue"
    REACH = "reach"
    STOP = "stop"
    FINISH = "finish"
    FAIL = "fail"
    DROP = "drop"


FINAL = frozenset({State.ENDED, State.FAILED})
LIVE = frozenset(State) - FINAL

TRANSITIONS: dict[State, dict[Event, State]] = {
    State.RESERVED: {Event.LAUNCH: State.STARTING, Event.DROP: State.ENDED},
    State.STARTING: {Event.QUEUE: State.QUEUED, Event.REACH: State.RUNNING, Event.STOP: State.STOPPING},
    State.QUEUED: {Event.REACH: State.RUNNING, Event.STOP: State.STOPPING},
    State.RUNNING: {Event.STOP: State.STOPPING},
    State.STOPPING: {Event.FINISH: State.ENDED, Event.FAIL: State.FAILED},
    State.ENDED: {},
    State.FAILED: {},
}


class IllegalTransitionError(RuntimeError):
    """The event cannot happen in this state: a mistake of ours, and nothing was changed."""


def next_state(state: State, event: Event) -> State:
    """The state that `event` leads to.

    Raises:
        IllegalTransitionError: the table has no such transition; the message lists those it has.
    """
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        allowed = ", ".join(sorted(TRANSITIONS[state])) or "nothing: the state is final"
        raise IllegalTransitionError(f"a session that is {state} cannot {event}; it can {allowed}") from None


class EndReason(StrEnum):
    """Why a session ended; stored with it."""

    USER = "user"
    STAFF = "staff"
    LAST_VIEWER = "last_viewer"
    NEVER_VIEWED = "never_viewed"
    IDLE = "idle"
    LIFETIME = "lifetime"
    PROGRAM_ENDED = "program_ended"
    START_FAILED = "start_failed"
    ENDPOINT_LOST = "endpoint_lost"
    ENDPOINT_REFUSED = "endpoint_refused"
    RUNNER_LOST = "runner_lost"
    OUT_OF_MEMORY = "out_of_memory"
    RESERVATION_EXPIRED = "reservation_expired"
    RELEASED = "released"
    SERVER_STOPPED = "server_stopped"
    SERVER_KILLED = "server_killed"
    """Of sessions of earlier releases: they go on now."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What a reason means: for the row, for the user, and for the websockets that are open (design, section 10)."""

    final: State
    sentence: Sentence
    close_code: int


ENDINGS: dict[EndReason, Ending] = {
    EndReason.USER: Ending(State.ENDED, _("It was stopped by its user."), 1000),
    EndReason.STAFF: Ending(State.ENDED, _("It was stopped by staff."), 4013),
    EndReason.LAST_VIEWER: Ending(State.ENDED, _("Its last viewer left."), 4004),
    EndReason.NEVER_VIEWED: Ending(State.ENDED, _("Nobody opened it."), 4004),
    EndReason.IDLE: Ending(State.ENDED, _("Nobody used keyboard or pointer for too long."), 4008),
    EndReason.LIFETIME: Ending(State.ENDED, _("It reached the longest time that it may run."), 4009),
    EndReason.PROGRAM_ENDED: Ending(State.ENDED, _("Its program ended."), 1000),
    EndReason.START_FAILED: Ending(State.FAILED, _("It could not be started."), 4010),
    EndReason.ENDPOINT_LOST: Ending(State.FAILED, _("Its screen could not be reached."), 4011),
    EndReason.ENDPOINT_REFUSED: Ending(State.FAILED, _("Its endpoint was refused."), 4011),
    EndReason.RUNNER_LOST: Ending(State.FAILED, _("The process that held it was killed or does not answer."), 4011),
    EndReason.OUT_OF_MEMORY: Ending(State.FAILED, _("It ran out of memory."), 4011),
    EndReason.RESERVATION_EXPIRED: Ending(State.ENDED, _("It was reserved and not used in time."), 4004),
    EndReason.RELEASED: Ending(State.ENDED, _("It was released."), 1000),
    EndReason.SERVER_STOPPED: Ending(State.ENDED, _("The server was stopped."), 1012),
    EndReason.SERVER_KILLED: Ending(State.ENDED, _("The server was killed."), 1012),
}
_OF_A_LATER_RELEASE = Ending(State.ENDED, _("It has ended."), 1000)


def ending_of(reason: str) -> Ending:
    """What a stored reason means; of one that only a later release knows, as little as can be said."""
    try:
        return ENDINGS[EndReason(reason)]
    except ValueError:
        return _OF_A_LATER_RELEASE
