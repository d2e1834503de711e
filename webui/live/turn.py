"""Whose turn it is: one at a time, the most urgent first, and those who came earlier before those who came later."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

Rank = tuple[int, ...]


class Turn:
    """A lock that is handed on by rank. For one event loop."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: dict[asyncio.Future[None], Callable[[], Rank]] = {}

    @asynccontextmanager
    async def taken(self, rank: Callable[[], Rank]) -> AsyncIterator[None]:
        """Waits for the turn and holds it for a block.

        Args:
            rank: is asked whenever the turn is handed on; the lowest is first.
        """
        if self._taken:
            mine = asyncio.get_running_loop().create_future()
            self._waiting[mine] = rank
            try:
                await mine
            except asyncio.CancelledError:
                self._waiting.pop(mine, None)
                if not mine.cancelled():  # it was handed over just then
                    self._hand_on()
                raise
        self._taken = True
        try:
            yield
        finally:
            self._hand_on()

    def _hand_on(self) -> None:
        if self._waiting:
            # Still taken meanwhile: nobody who asks now may come before who has waited.
            next_one = min(self._waiting, key=lambda waiting: self._waiting[waiting]())
            del self._waiting[next_one]
            if next_one.cancelled():
                self._hand_on()
            else:
                next_one.set_result(None)
        else:
            self._taken = False
