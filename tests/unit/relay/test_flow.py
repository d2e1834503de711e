"""Whatever stalls, and in whatever order things happen: once all ends take bytes again, every byte has arrived.

Line, inflow, outflow and crossing together, between two transports that are played with their buffers and limits. A
wake-up that is lost anywhere in between would show as bytes that never come.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_service.relay import inflow, outflow
from remote_service.relay.crossing import Crossing
from remote_service.relay.line import Line
from remote_service.relay.upstream import Upstream
from tests.unit.relay.test_frames import frame

PATTERN = random.Random(3).randbytes(600_000)
SIZES = st.sampled_from([1, 5, 125, 126, 1000, 4096, 16_384, 16_385, 65_535, 65_536, 200_000])
TAKEN = st.sampled_from([1, 1000, 4096, 20_000, 300_000])


class Flow(asyncio.Transport):
    """A transport as those of loops are: it pauses and resumes its protocol by what was not taken of its buffer.

    One that is `quick` has its peer take at once what is written while nothing waits.
    """

    def __init__(self, *, quick: bool) -> None:
        super().__init__()
        self._quick = quick
        self.protocol: Any = None
        self.taken = b""
        self._waiting: list[bytes | bytearray | memoryview] = []  # uvloop copies nothing either
        self._high, self._low = 64 * 1024, 16 * 1024
        self._full = False
        self._reading = True
        self._unread: list[bytes] = []

    # ---- what the relay asks of it ----------------------------------------------------------------------

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high is not None
        self._high, self._low = high, high // 4
        self._look()

    def get_write_buffer_size(self) -> int:
        return sum(map(len, self._waiting))

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writelines([data])

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        for data in list_of_data:
            # What the kernel takes at once is not kept.
            self._take(data) if self._quick and not self._waiting else self._waiting.append(data)
        self._look()

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True

    def abort(self) -> None: ...

    def _look(self) -> None:
        if self.get_write_buffer_size() > self._high and not self._full:
            self._full = True
            self.protocol.pause_writing()
        elif self.get_write_buffer_size() <= self._low and self._full:
            self._full = False
            self.protocol.resume_writing()

    # ---- what its peer does -----------------------------------------------------------------------------

    def says(self, data: bytes) -> None:
        self._unread.append(data)

    def takes(self, most: int) -> bool:
        """Whether there was anything to take."""
        some = bool(self._waiting)
        while self._waiting and most > 0:
            data = self._waiting.pop(0)
            self._take(data[:most])
            if most < len(data):
                self._waiting.insert(0, memoryview(data)[most:])
            most -= len(data)
        self._look()
        return some

    def _take(self, data: bytes | bytearray | memoryview) -> None:
        self.taken += data

    def delivers(self, pieces: int) -> bool:
        """Whether there was anything to deliver; a loop joins what it finds, up to some size."""
        if not (self._reading and self._unread):
            return False
        some, self._unread = b"".join(self._unread[:pieces]), self._unread[pieces:]
        if isinstance(self.protocol, asyncio.BufferedProtocol):
            room = self.protocol.get_buffer(-1)
            size = min(len(some), len(room))
            room[:size] = some[:size]
            if some[size:]:
                self._unread.insert(0, some[size:])
            self.protocol.buffer_updated(size)
        else:
            self.protocol.data_received(some)
        return True


class World:
    """Both ends, and the clock of the brakes."""

    def __init__(self, slow: list[bool], *, works: bool, quick: bool) -> None:
        self.viewer, self.endpoint = Flow(quick=quick), Flow(quick=quick)
        self.timers: list[Callable[[], None]] = []
        self._slow = iter(slow)
        self._spent = 0.0
        self._asked = 0
        self.said_up, self.said_down = 0, 0
        self.line = Line(self.viewer, most_message=1 << 30, peer="", lost=lambda _error: None)
        self.viewer.protocol = self.line
        self.upstream = Upstream()
        self.endpoint.protocol = self.upstream
        self.upstream.connection_made(self.endpoint)
        self._works = works

    def thread_time(self) -> float:
        self._spent += 0.01 if next(self._slow, False) else 0.0
        return self._spent

    def perf_counter(self) -> float:
        self._asked += 1
        return self._asked

    def get_running_loop(self) -> World:
        return self

    def call_later(self, _seconds: float, callback: Callable[..., None], *arguments: object) -> SimpleNamespace:
        self.timers.append(lambda: callback(*arguments))
        return SimpleNamespace(cancel=lambda: None)

    def cross(self) -> None:
        Crossing(self.line, self.upstream, up=lambda data: data, down=lambda data: data, works=self._works)

    def act(self, what: str, size: int) -> bool:
        """Lets one thing happen; whether it did."""
        if what == "viewer says":
            self.viewer.says(frame(2, PATTERN[self.said_up : self.said_up + size]))
            self.said_up = min(len(PATTERN), self.said_up + size)
            return True
        if what == "endpoint says":
            self.endpoint.says(PATTERN[self.said_down : self.said_down + size])
            self.said_down = min(len(PATTERN), self.said_down + size)
            return True
        if what == "time passes":
            ready, self.timers = self.timers, []
            for timer in ready:
                timer()
            return bool(ready)
        end = self.viewer if what.startswith("viewer") else self.endpoint
        return end.takes(size) if what.endswith("takes") else end.delivers(1 + size % 3)

    def settle(self) -> None:
        """Everybody takes and delivers until nothing happens any more."""
        acts = ("viewer delivers", "endpoint delivers", "viewer takes", "endpoint takes", "time passes")
        while any(self.act(what, 1 << 20) for what in acts):
            pass


ACTS = st.one_of(
    st.tuples(st.sampled_from(["viewer says", "endpoint says"]), SIZES),
    st.tuples(st.sampled_from(["viewer takes", "endpoint takes"]), TAKEN),
    st.tuples(st.sampled_from(["viewer delivers", "endpoint delivers", "time passes"]), st.integers(0, 2)),
)


def unframed(stream: bytes) -> bytes:
    data, at = b"", 0
    while at < len(stream):
        length, at = stream[at + 1], at + 2
        if width := {126: 2, 127: 8}.get(length, 0):
            length, at = int.from_bytes(stream[at : at + width], "big"), at + width
        data += stream[at : at + length]
        at += length
    return data


@pytest.mark.parametrize("works", [False, True])
@given(st.lists(ACTS, max_size=8), st.lists(ACTS, max_size=60), st.lists(st.booleans(), max_size=60), st.booleans())
def test_nothing_is_lost_and_nothing_stands_still(
    works: bool, before: list[tuple[str, int]], behind: list[tuple[str, int]], slow: list[bool], quick: bool
) -> None:
    async def run() -> World:
        world = World(slow, works=works, quick=quick)
        patched = pytest.MonkeyPatch()
        for module in (inflow, outflow):
            patched.setattr(module, "time", world)
            patched.setattr(module, "asyncio", SimpleNamespace(get_running_loop=world.get_running_loop))
        try:
            for what, size in before:
                world.act(what, size)
            world.cross()
            for what, size in behind:
                world.act(what, size)
            world.settle()
        finally:
            patched.undo()
            world.line.connection_lost(None)
        return world

    world = asyncio.run(run())
    assert world.endpoint.taken == PATTERN[: world.said_up]
    assert unframed(world.viewer.taken) == PATTERN[: world.said_down]
