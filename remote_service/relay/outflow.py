"""An endpoint's bytes that are worked on before they reach the viewer: a slice at a time, so that others get a turn."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator

from remote_service.relay.inflow import BRAKE, BRAKE_FROM
from remote_service.rfb.errors import RemoteProtocolError

SLICE = 16 * 1024
"""Bytes that are worked on in one go: the event loop is held for some milliseconds at worst."""


def slices(data: bytes) -> Iterator[bytes]:
    """The data in pieces of at most `SLICE` bytes."""
    if len(data) <= SLICE:
        yield data
    else:
        yield from (data[at : at + SLICE] for at in range(0, len(data), SLICE))


def brake_for(took: float, size: int) -> float:
    """Seconds to wait after so many bytes took so long of the processor's time; 0 for not at all (see `inflow`)."""
    return took * BRAKE if took > BRAKE_FROM and took > BRAKE_FROM * size / SLICE else 0.0


class Outflow:
    """One endpoint's; keeps at most the chunk that came last, unless the transport delivers what it was not asked."""

    def __init__(
        self,
        transport: asyncio.Transport,
        *,
        look: Callable[[bytes], bytes],
        give: Callable[[bytes], None],
        fail: Callable[[RemoteProtocolError], None],
    ) -> None:
        """Prepares.

        Args:
            transport: the endpoint's, which is being read.
            look: returns what of its bytes passes; may raise RemoteProtocolError.
            give: takes that.
            fail: told what `look` raised; nothing passes any more.
        """
        self._transport = transport
        self._look = look
        self._give = give
        self._fail = fail
        self._pieces: Iterator[bytes] | None = None
        self._full = False
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    def feed(self, chunk: bytes) -> None:
        """Works through a chunk, now or when the brake is off."""
        if self._stopped:
            return
        more = slices(chunk)
        self._pieces = more if self._pieces is None else itertools.chain(self._pieces, more)
        if self._timer is None:
            self._go_on()

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
        self._pieces = None
        if self._timer is not None:
            self._timer.cancel()

    def _go_on(self) -> None:
        """Works through what came, until the brake is on."""
        assert self._pieces is not None
        began, size, wait = time.thread_time(), 0, 0.0
        passed: list[bytes] = []
        error: RemoteProtocolError | None = None
        try:
            for piece in self._pieces:
                size += len(piece)
                passed.append(self._look(piece))
                wait = brake_for(time.thread_time() - began, size)
                if wait:
                    break
            else:
                self._pieces = None
        except RemoteProtocolError as caught:
            self.stop()
            error = caught
        if data := passed[0] if len(passed) == 1 else b"".join(passed):
            self._give(data)
        if error is not None:
            self._fail(error)
        elif wait:
            self._transport.pause_reading()
            self._timer = asyncio.get_running_loop().call_later(wait, self._release)

    def _release(self) -> None:
        self._timer = None
        if self._pieces is not None:
            self._go_on()
        if self._timer is None and not (self._full or self._stopped):
            self._transport.resume_reading()
