"""The phases that a session goes through until its screen is there, as the viewer lists them."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from remote_service.models import Session
from remote_service.states import State

_ORDER: tuple[tuple[State, Promise], ...] = (
    (State.RESERVED, gettext_lazy("A slot is reserved for you")),
    (State.STARTING, gettext_lazy("The session is being started")),
    (State.QUEUED, gettext_lazy("It waits in the cluster's queue")),
    (State.RUNNING, gettext_lazy("Its screen is being connected")),
)


@dataclass(frozen=True, slots=True)
class Phase:
    """One of them, and whether it is behind us, going on, or to come."""

    key: str
    words: Promise
    status: str
    """ "done", "current", "coming", or "skipped": the queue, for what needs none."""


def phases(session: Session) -> tuple[Phase, ...]:
    """All phases, as they are in the session's present state."""
    states = [state for state, _words in _ORDER]
    at = states.index(State(session.state)) if session.state in states else len(states)
    return tuple(
        Phase(state.value, text, _status(state, position, at)) for position, (state, text) in enumerate(_ORDER)
    )


def _status(state: State, position: int, at: int) -> str:
    if state is State.QUEUED and position != at:
        return "skipped"
    if position == at:
        return "current"
    return "done" if position < at else "coming"
