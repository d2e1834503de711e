"""An endpoint's bytes that are worked on before they reach the viewer: a slice at a time, so that others get a turn."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator

from remote_service.relay.inflow import BRAKE, BRAKE_FROM
from remote_service.rfb.buffer import Data
from remote_service.rfb.errors import RemoteProtocolError

SLICE = 16 * 1024
"""Bytes of a viewer that are worked on in one go: the event loop is held for some milliseconds at worst."""
MOST_AT_ONCE = 64 * 1024
"""The same of an endpoint, which mostly sends much that costs little; the worst takes some ten milliseconds."""


def slices(data: bytes) -> Iterator[bytes]:
    """The data in pieces of at most `SLICE` bytes."""
    if len(data) <= SLICE:
        yield data
    else:
        yield from (data[at : at + SLICE] for at in range(0, len(data), SLICE))


def brake_for(took: float, size: int) -> float:
    """Seconds to wait after so many bytes took so long of the processor's time; 0 for not at all (see `inflow`)."""
    return took * BRAKE if took > BRAKE_FROM and took > BRAKE_FROM * size / SLICE else 0.0


class Work:
    """A chunk on its way through a filter, a part at a time; what nothing is taken out of is not copied."""

    def __init__(self, chunk: Data, look: Callable[[Data], Data]) -> None:
        """Prepares.

        Args:
            chunk: what came; it has to stay as it is until this is done.
            look: returns what of it passes, and itself the part that it was given when that is all.
        """
        self._chunk = chunk
        self._view = memoryview(chunk)
        self._look = look
        self._at = 0
        self._given_upto = 0
        self._changed: list[Data] | None = None
        self._spent: float | None = None

    @property
    def done(self) -> bool:
        """Whether all of it was looked at."""
        return self._at >= len(self._chunk)

    def step(self) -> float:
        """Looks at the next part; returns the seconds to wait before the one behind it.

        Raises:
            RemoteProtocolError: what `look` raises.
        """
        began = time.perf_counter()
        if self._spent is None:
            self._spent = time.thread_time()
        part = self._view[self._at : self._at + MOST_AT_ONCE]
        passed = self._look(part)
        if passed is not part and self._changed is None:
            self._changed = [self._view[self._given_upto : self._at]]
        if self._changed is not None:
            self._changed.append(passed)
        self._at += len(part)
        took = time.perf_counter() - began
        if took <= BRAKE_FROM:
            return 0.0
        # The processor's own time costs more to ask for; of what it spent since the last time this took at most `took`.
        spent, self._spent = self._spent, time.thread_time()
        return brake_for(min(took, self._spent - spent), len(part))

    def take(self) -> Data:
        """What passes of all that was looked at since the last time; a part of the chunk if nothing was taken out."""
        passed: Data
        if self._changed is not None:
            passed = b"".join(self._changed)
        elif self._given_upto == 0 and self.done:
            passed = self._chunk
        else:
            passed = self._view[self._given_upto : self._at]
        self._given_upto, self._changed = self._at, None
        return passed


class Outflow:
    """One endpoint's; keeps at most the chunk that came last, unless the transport delivers what it was not asked."""

    def __init__(
        self,
        transport: asyncio.Transport,
        *,
        look: Callable[[Data], Data],
        give: Callable[[Data], bool],
        fail: Callable[[RemoteProtocolError], None],
    ) -> None:
        """Prepares.

        Args:
            transport: the endpoint's, which is being read.
            look: see `Work`; may raise RemoteProtocolError.
            give: takes that; returns whether it has to stay as it is.
            fail: told what `look` raised; nothing passes any more.
        """
        self._transport = transport
        self._look = look
        self._give = give
        self._fail = fail
        self._works: deque[Work] = deque()
        self._full = False
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    def feed(self, chunk: Data) -> bool:
        """Works through a chunk, now or when the brake is off; returns whether it has to stay as it is."""
        if self._stopped:
            return False
        self._works.append(Work(chunk, self._look))
        kept = self._timer is None and self._go_on()
        return kept or bool(self._works)

    def viewer_full(self) -> None:
        """Enough waits for the viewer: the endpoint is read no further."""
        self._full = True
        self._transport.pause_reading()

    def viewer_drained(self) -> None:
        """The viewer has caught up."""
        self._full = False
        if self._timer is None and not self._stopped:
            self._transport.resume_reading()

    def stop(self) -> None:
        """Nothing passes any more; what comes is thrown away."""
        self._stopped = True
        self._works.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _go_on(self) -> bool:
        """Works through what came, until the brake is on; returns whether something that was given has to stay."""
        kept = False
        while self._works and self._timer is None and not self._stopped:
            work, wait, error = self._works[0], 0.0, None
            try:
                while not (work.done or wait):
                    wait = work.step()
            except RemoteProtocolError as caught:
                error = caught
                self.stop()
            if work.done and self._works:
                self._works.popleft()
            if data := work.take():
                kept |= self._give(data)
            if error is not None:
                self._fail(error)
            elif wait:
                self._transport.pause_reading()
                self._timer = asyncio.get_running_loop().call_later(wait, self._release)
        return kept

    def _release(self) -> None:
        self._timer = None
        self._go_on()
        if self._timer is None and not (self._full or self._stopped):
            self._transport.resume_reading()
