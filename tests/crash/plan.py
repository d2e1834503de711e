"""What is killed, in which order: drawn from a seed, so that a run can be repeated."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from remote_service.states import TRANSITIONS, Event, State

PHASES = ("before", "within", "after")
UNREACHED = frozenset({(State.STARTING, Event.QUEUE), (State.QUEUED, Event.REACH), (State.QUEUED, Event.STOP)})
"""Transitions of schedulers' jobs, which the product does not have yet."""
POINTS = tuple(
    f"{phase}-{state}-{event}"
    for state, events in TRANSITIONS.items()
    for event in events
    if (state, event) not in UNREACHED
    for phase in PHASES
)
"""The named points at which a process may die, see `failpoints`."""
PAUSED = "supervisor paused"
RANDOM = {
    "keeper": 3, "pages": 8, "relay": 8, "supervisor": 10, "standby": 6, "host": 8, "runner": 10, "worker": 6,
    "supervising": 6, PAUSED: 2,
}  # fmt: skip
"""How often each is drawn at a random moment; "supervising" is whichever of the two has the lease."""
AT_A_POINT = 0.4
AT_ONCE = 0.15
"""How often the next one comes before the site has recovered."""


class Blow(NamedTuple):
    """One of the plan."""

    kind: str
    """A key of `RANDOM`, or one of `POINTS`."""
    pause: float
    """Seconds before it."""
    at_once: bool
    """The next one does not wait until all is well again."""


def plan(seed: str, count: int, only: tuple[str, ...] = ()) -> list[Blow]:
    """So many; each point comes once in every so many blows at points, in an order of the seed's.

    Args:
        seed: draws it.
        count: how many.
        only: the kinds to draw from, to look for the cause of something; all of them when it is empty.
    """
    dice = Random(seed)
    points: list[str] = []
    blows = []
    for _ in range(count):
        if only:
            kind = dice.choice(only)
        elif dice.random() < AT_A_POINT:
            points = points or dice.sample(POINTS, len(POINTS))
            kind = points.pop()
        else:
            (kind,) = dice.choices(list(RANDOM), list(RANDOM.values()))
        blows.append(Blow(kind, dice.uniform(0.0, 2.0), dice.random() < AT_ONCE))
    return blows
