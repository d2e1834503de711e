"""A flag that tasks can wait for: asyncio's `Event` by a fraction of its memory, which has 0.7 KiB for those who wait.

A viewer has seven of them, and hardly ever does anybody wait for more than two.
"""

from __future__ import annotations

import asyncio


class Flag:
    """Down at first. Only for the thread of its event loop."""

    __slots__ = ("_up", "_waiting")

    def __init__(self) -> None:
        self._up = False
        self._waiting: tuple[asyncio.Future[None], ...] = ()

    def is_set(self) -> bool:
        """Whether it is up."""
        return self._up

    def set(self) -> None:
        """Puts it up; whoever waits goes on, even if it is down again by then."""
        self._up = True
        waiting, self._waiting = self._waiting, ()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def clear(self) -> None:
        """Takes it down."""
        self._up = False

    async def wait(self) -> None:
        """Returns when it is up, or was put up meanwhile."""
        if self._up:
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting = (*self._waiting, future)
        try:
            await future
        finally:
            self._waiting = tuple(other for other in self._waiting if other is not future)
