"""Lets so many in at once; the others wait their turn, of whom there may be so many, for so long."""

from __future__ import annotations

import asyncio
from collections import deque


class CrowdedError(Exception):
    """Too many wait already, or this one has waited too long."""


class Turnstile:
    """First come, first served."""

    def __init__(self, at_once: int, *, most_waiting: int, patience: float) -> None:
        """Prepares.

        Args:
            at_once: how many may be inside.
            most_waiting: how many may wait.
            patience: seconds that each waits at most.
        """
        self._at_once = at_once
        self._most_waiting = most_waiting
        self._patience = patience
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def pending(self) -> int:
        """How many are inside or wait."""
        return self._inside + len(self._waiting)

    async def enter(self) -> None:
        """Returns when it is one's turn; whoever enters has to leave.

        Raises:
            CrowdedError: it will not be soon.
        """
        if self._inside < self._at_once and not self._waiting:
            self._inside += 1
            return
        if len(self._waiting) >= self._most_waiting:
            raise CrowdedError
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._patience):
                await turn
        except TimeoutError:
            self._give_up(turn)
            raise CrowdedError from None
        except asyncio.CancelledError:
            self._give_up(turn)
            raise

    def _give_up(self, turn: asyncio.Future[None]) -> None:
        if turn in self._waiting:
            self._waiting.remove(turn)
        elif not turn.cancelled():
            # It was called in at this moment.
            self.leave()

    def leave(self) -> None:
        """Whoever is next may enter."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._inside -= 1
