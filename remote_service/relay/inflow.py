"""What comes from a viewer, chunk by chunk: worked through as far as it is taken, and then read no further."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterable, Iterator
from enum import Enum, auto
from typing import Protocol

from remote_service.relay.frames import MOST_PIECE, Control, FloodError, FrameError, FrameReader
from remote_service.rfb.buffer import Data

BRAKE_FROM = 0.0005
BRAKE = 4
"""A viewer whose bytes take longer than `BRAKE_FROM` seconds to look at, for every `MOST_PIECE` of them, waits `BRAKE`
times as long (of the processor, so that nobody pays for the load of others). A flood of tiny messages costs a thousand
times as much as its bytes: without the brake one viewer could keep the event loop, and everybody else with it."""


class Hold(Enum):
    """Why a viewer is not read at the moment."""

    QUEUE = auto()
    """What it said has not been taken yet."""
    ENDPOINT = auto()
    """The endpoint takes no more."""
    BRAKE = auto()
    """It made us work too much."""


class Taker(Protocol):
    """Who takes what comes."""

    def take(self, piece: bytes) -> None:
        """Bytes of a message."""

    def control(self, frame: Control) -> None:
        """A control frame."""

    def flush(self) -> None:
        """These were all, for now."""

    def refuse(self, error: FrameError) -> None:
        """The peer broke the protocol; nothing more comes."""

    def flooded(self) -> None:
        """The peer sends too much that carries nothing on; nothing more comes."""


class Consumer(Protocol):
    """Who takes a viewer's bytes as they come."""

    def from_viewer(self, piece: bytes) -> None:
        """Bytes of the viewer; RemoteProtocolError is told to who waits in `Line.receive`."""

    def flush(self) -> None:
        """These were all, for now."""

    def viewer_full(self) -> None:
        """Enough waits for the viewer."""

    def viewer_drained(self) -> None:
        """It has caught up."""


class Inflow:
    """One connection's; keeps at most the chunk that came last, unless the transport delivers what it was not asked."""

    def __init__(self, transport: asyncio.Transport, reader: FrameReader, taker: Taker) -> None:
        """Prepares; the transport is being read."""
        self._transport = transport
        self._reader = reader
        self._taker = taker
        self._events: Iterator[bytes | Control] | None = None
        self._holds: set[Hold] = set()
        self._stopped = False
        self._brake_timer: asyncio.TimerHandle | None = None

    @property
    def held(self) -> bool:
        """Whether the viewer is not read at the moment."""
        return bool(self._holds)

    def feed(self, chunk: Data) -> bool:
        """Works through a chunk, now or when it is released; returns whether some of it is left, and must stay."""
        if not self._stopped:
            self._append(self._reader.feed(chunk))
            if not self._holds:
                self._go_on()
        return self._events is not None

    def put_back(self, piece: bytes) -> None:
        """Bytes that were given and not used; they come first again, once this is released."""
        self._events = itertools.chain((piece,), self._events or ())

    def hold(self, reason: Hold) -> None:
        """Nothing is taken, and the viewer is read no further."""
        if not self._holds:
            self._transport.pause_reading()
        self._holds.add(reason)

    def release(self, reason: Hold) -> None:
        """This is no reason any more."""
        if reason not in self._holds:
            return
        self._holds.discard(reason)
        if not self._holds and self._events is not None:
            self._go_on()
        if not self._holds:
            self._transport.resume_reading()

    def release_all(self) -> None:
        """There is no reason any more."""
        for reason in list(self._holds):
            self.release(reason)

    def stop(self) -> None:
        """Nothing is taken any more; what comes is thrown away."""
        self._stopped = True
        self._events = None
        if self._brake_timer is not None:
            self._brake_timer.cancel()

    def _append(self, events: Iterable[bytes | Control]) -> None:
        self._events = iter(events) if self._events is None else itertools.chain(self._events, events)

    def _go_on(self) -> None:
        """Works through what came, until it is held."""
        assert self._events is not None
        taker, take, began, size = self._taker, self._taker.take, time.thread_time(), 0
        due = time.perf_counter() + BRAKE_FROM
        try:
            for event in self._events:
                if isinstance(event, bytes):
                    size += len(event)
                    take(event)
                else:
                    taker.control(event)
                if time.perf_counter() > due:  # the processor's own time costs more to ask for, and is never more
                    took = time.thread_time() - began
                    if took > BRAKE_FROM and took > BRAKE_FROM * size / MOST_PIECE:
                        self._brake(took * BRAKE)
                if self._holds or self._stopped:
                    break
            else:
                self._events = None
        except FrameError as error:
            self.stop()
            taker.refuse(error)
        except FloodError:
            self.stop()
            taker.flooded()
        taker.flush()

    def _brake(self, seconds: float) -> None:
        self.hold(Hold.BRAKE)
        loop = asyncio.get_running_loop()
        self._brake_timer = loop.call_later(seconds, self.release, Hold.BRAKE)
