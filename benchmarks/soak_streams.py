"""What one viewer and its endpoint say to each other in a soak, and whether the other one heard exactly that."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

PATTERN = random.Random(7).randbytes(1 << 20)
"""What every stream carries, again and again: a byte that is lost, doubled or moved differs."""
SIZES = (1, 6, 125, 126, 1000, 16 * 1024, 65535, 65536, 200_000)
PATIENCE = 30.0
"""Seconds within which something has to be heard, as long as not all was that was sent, once both ends read."""


class Wrong(Exception):
    """What was heard is not what was sent."""


@dataclass
class Direction:
    """One direction of a stream: what was sent, and how much of it was heard."""

    sent: int = 0
    heard: int = 0

    def next(self, size: int) -> bytes:
        """The next bytes to send."""
        data = cut(self.sent, size)
        self.sent += size
        return data

    def hear(self, data: bytes) -> None:
        """Compares what came.

        Raises:
            Wrong: it is something else.
        """
        if data != cut(self.heard, len(data)):
            raise Wrong(f"bytes {self.heard} to {self.heard + len(data)} differ")
        self.heard += len(data)


def cut(at: int, size: int) -> bytes:
    """So many bytes of what streams carry, from there on."""
    at %= len(PATTERN)
    return (
        (PATTERN[at:] + PATTERN * (1 + size // len(PATTERN)))[:size]
        if at + size > len(PATTERN)
        else PATTERN[at : at + size]
    )


@dataclass
class Stream:
    """A viewer and its endpoint."""

    number: int
    chance: random.Random
    up: Direction = field(default_factory=Direction)
    down: Direction = field(default_factory=Direction)
    talking: bool = True
    met: asyncio.Event = field(default_factory=asyncio.Event)
    """The endpoint has been connected to."""

    async def talk(self, direction: Direction, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Sends until the episode is over."""
        while self.talking:
            await send(direction.next(self.chance.choice((*SIZES, self.chance.randint(1, max(SIZES))))))
            await asyncio.sleep(self.chance.choice((0, 0.001, 0.05, 0.2)))

    async def listen(self, direction: Direction, receive: Callable[[], Awaitable[bytes]]) -> None:
        """Hears until the other side hangs up; now and then it reads nothing for a while."""
        while data := await receive():
            direction.hear(data)
            if self.talking and self.chance.random() < 0.01:
                await asyncio.sleep(self.chance.uniform(0.5, 2.0))

    async def heard_all(self, talking: asyncio.Task[None]) -> None:
        """Returns when the viewer has said its last message and all has arrived.

        Raises:
            TimeoutError: nothing arrives any more.
        """
        heard, since = -1, time.monotonic()
        while not talking.done() or self.up.heard < self.up.sent or self.down.heard < self.down.sent:
            if self.up.heard + self.down.heard > heard:
                heard, since = self.up.heard + self.down.heard, time.monotonic()
            elif time.monotonic() - since > PATIENCE:
                raise TimeoutError
            await asyncio.sleep(0.02)
        talking.result()

    def parts(self, data: bytes) -> list[bytes]:
        """A message in some fragments of any size."""
        cuts = sorted(self.chance.randrange(len(data) + 1) for _ in range(self.chance.randint(1, 4)))
        return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
