"""What a supervisor knows of a session beyond its row: the runner, what it said last, and what is being done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from remote_service.decisions import Runner
from remote_service.hosting.client import RunnerLink
from remote_service.hosting.status import Phase, Status

FIRST_WAIT = 1.0
MOST_WAIT = 60.0
"""Seconds between two attempts to find a runner, or to replace it: doubled each time."""
FORGIVEN_AFTER = 300.0
"""Seconds after which an attempt counts as the first one again."""


class Attempts:
    """How often something was tried, and when it may be tried again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: float | None = None
        self._wait = 0.0

    @property
    def due(self) -> bool:
        """Whether it may be tried again."""
        return self._last is None or self._clock() - self._last >= self._wait

    def tried(self) -> None:
        """It is being tried."""
        now = self._clock()
        fresh = self._last is None or now - self._last >= FORGIVEN_AFTER
        self._wait = FIRST_WAIT if fresh else min(2 * self._wait, MOST_WAIT)
        self._last = now


@dataclass(slots=True)
class Charge:
    """A session that this supervisor looks after, and its runner."""

    link: RunnerLink | None = None
    runner: Runner = Runner.UNSEEN
    pid: int | None = None
    """The runner's process id, when we have forked it."""
    status: Status | None = None
    trouble: str = ""
    """Why nobody can tell at the moment whether it lives; empty when somebody can."""
    busy: bool = False
    """Something is being done with it; nothing else is begun."""
    remembered: tuple[Any, ...] = ()
    """What stands in the row of what the runner said."""
    log_trouble: str = ""
    """Why its log cannot be written, as was said last."""
    attempts: Attempts = field(default_factory=Attempts)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def over(self) -> bool:
        """Whether the runner has said that nothing is left."""
        return self.status is not None and self.status.phase is Phase.OVER

    @property
    def process(self) -> int | None:
        """The runner's process id, as we know it of its birth or it says itself."""
        return self.pid or (self.status.runner if self.status and self.status.runner else None)

    def heard(self, status: Status) -> None:
        """The runner said how things are."""
        self.status = status
        self.trouble = ""
        self.changed.set()

    def hold(self, link: RunnerLink) -> None:
        """This is its runner from now on."""
        self.link, self.runner, self.status = link, Runner.HERE, None

    def lose(self) -> None:
        """Its runner has ended."""
        self.runner = Runner.LOST
        self.changed.set()

    def miss(self, trouble: str) -> None:
        """Nobody knows how its runner is."""
        self.runner, self.trouble = Runner.AWAY, trouble
        self.changed.set()
