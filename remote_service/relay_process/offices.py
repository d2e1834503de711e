"""Which office the relay asks: the first choice while that lives, else whichever other one does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from remote_service.hosting.wire import MAX_LINE, Message, parse, short_path
from remote_service.relay_process.messages import ALIVE

SILENCE = 4 * ALIVE
"""Seconds after which an office that says nothing counts as paused."""
BACK = 5.0
"""Seconds between two looks whether the first choice is there again."""


class Offices:
    """Takes turns."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Prepares.

        Args:
            paths: the offices' sockets, the first choice first.
        """
        self._paths = paths
        self._turn = -1

    def next(self) -> Path:
        """The one to be asked now, since the one before has gone."""
        self._turn = (self._turn + 1) % len(self._paths)
        return self._paths[self._turn]

    async def first_is_back(self) -> None:
        """Returns when another one than the first choice is asked, and that could be; it is the next one then."""
        while self._turn == 0 or not await _lives(self._paths[0]):
            await asyncio.sleep(BACK)
        self._turn = -1


async def messages(reader: asyncio.StreamReader) -> AsyncIterator[Message]:
    """What an office says until it hangs up, but for its signs of life.

    Raises:
        TimeoutError: there are none.
        ValueError: it says what no office says.
    """
    while line := await _line(reader):
        if "alive" not in (message := parse(line)):
            yield message


async def _line(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(SILENCE):
        return await reader.readline()


async def _lives(path: Path) -> bool:
    """Whether an office gives a sign of life: a paused one can be connected to, too."""
    try:
        with short_path(path) as name:
            reader, writer = await asyncio.open_unix_connection(name, limit=MAX_LINE)
    except OSError:
        return False
    try:
        return bool(await _line(reader))
    except OSError:
        return False
    finally:
        writer.close()
