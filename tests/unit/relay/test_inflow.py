"""What comes from a viewer is taken as far as it may be, and its work is paid for by waiting."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import pytest

from remote_service.relay import inflow as module
from remote_service.relay.frames import MOST_CONTROL_FRAMES, MOST_PIECE, Control, FloodGuard, FrameError, FrameReader
from remote_service.relay.inflow import Hold, Inflow
from tests.unit.relay.doubles import ViewerTransport
from tests.unit.relay.test_frames import frame
from tests.waiting import eventually_async


@pytest.fixture(autouse=True)
def _work_takes_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "time", SimpleNamespace(thread_time=lambda: 0.0, perf_counter=lambda: 0.0))


class Taker:
    """Remembers what it was given; holds after so many pieces."""

    def __init__(self, hold_after: int | None = None) -> None:
        self.transport = ViewerTransport()
        reader = FrameReader(1 << 20, FloodGuard(lambda: 0.0))
        self.inflow = Inflow(self.transport, reader, self)
        self.given: list[Any] = []
        self.flushed = 0
        self._hold_after = hold_after

    def says(self, *frames: bytes) -> None:
        self.inflow.feed(b"".join(frames))

    def take(self, piece: bytes) -> None:
        self.given.append(piece)
        if len(self.given) == self._hold_after:
            self.inflow.hold(Hold.QUEUE)

    def control(self, frame: Control) -> None:
        self.given.append(frame.payload)

    def flush(self) -> None:
        self.flushed += 1

    def refuse(self, error: FrameError) -> None:
        self.given.append(error.code)

    def flooded(self) -> None:
        self.given.append("flood")


def test_a_chunk_is_taken_in_order_and_flushed_once() -> None:
    taker = Taker()
    taker.says(frame(2, b"one"), frame(9, b"ping"), frame(2, b"two"))
    assert (taker.given, taker.flushed) == ([b"one", b"ping", b"two"], 1)


def test_a_hold_in_the_middle_of_a_chunk_keeps_the_rest() -> None:
    taker = Taker(hold_after=1)
    taker.says(frame(2, b"one"), frame(2, b"two"))
    taker.says(frame(2, b"three")[:5])
    assert (taker.given, taker.transport.reading, taker.inflow.held) == ([b"one"], False, True)

    taker.inflow.put_back(b"one again")
    taker.inflow.release(Hold.QUEUE)
    assert taker.given == [b"one", b"one again", b"two"]
    taker.says(frame(2, b"three")[5:])
    assert taker.given[3:] == [b"three"]
    assert taker.transport.reading


def test_it_goes_on_only_when_no_reason_is_left() -> None:
    taker = Taker()
    taker.inflow.hold(Hold.ENDPOINT)
    taker.inflow.hold(Hold.BRAKE)
    taker.says(frame(2, b"one"))
    taker.inflow.release(Hold.QUEUE)
    taker.inflow.release(Hold.BRAKE)
    assert not taker.given
    taker.inflow.release(Hold.ENDPOINT)
    assert taker.given == [b"one"]
    taker.inflow.hold(Hold.ENDPOINT)
    taker.inflow.hold(Hold.QUEUE)
    taker.inflow.release_all()
    assert taker.transport.reading


def test_what_came_before_a_breach_is_flushed_and_nothing_after_it_is_taken() -> None:
    taker = Taker()
    taker.says(frame(2, b"good"), frame(1, b"bad"))
    taker.says(frame(2, b"more"))
    assert (taker.given, taker.flushed) == ([b"good", 1003], 1)


def test_a_flood_is_told_once() -> None:
    taker = Taker()
    taker.says(*[frame(9)] * 1000)
    taker.says(*[frame(9)] * 1000)
    assert taker.given == [b""] * MOST_CONTROL_FRAMES + ["flood"]


def test_who_has_stopped_takes_nothing() -> None:
    taker = Taker(hold_after=1)
    taker.says(frame(2, b"one"), frame(2, b"two"))
    taker.inflow.stop()
    taker.inflow.release(Hold.QUEUE)
    taker.says(frame(2, b"three"))
    assert taker.given == [b"one"]


@pytest.mark.parametrize(
    ("took", "pieces", "braked"),
    [(0.001, [b"a", b"b"], True), (0.0004, [b"a", b"b"], False), (0.0009, [b"a" * 2 * MOST_PIECE, b"b"], True)],
)
async def test_who_makes_us_work_waits_for_it(
    monkeypatch: pytest.MonkeyPatch, took: float, pieces: list[bytes], braked: bool
) -> None:
    taker = Taker()
    now = itertools.chain([0.0, took], itertools.repeat(took))
    monkeypatch.setattr(
        module, "time", SimpleNamespace(thread_time=lambda: next(now), perf_counter=itertools.count().__next__)
    )

    taker.says(*(frame(2, piece) for piece in pieces))

    assert taker.inflow.held is braked
    assert (len(taker.given) == 1) is braked
    await eventually_async(lambda: b"".join(taker.given) == b"".join(pieces) and taker.transport.reading)


def test_who_was_kept_waiting_by_others_is_not_braked(monkeypatch: pytest.MonkeyPatch) -> None:
    taker = Taker()
    clocks = SimpleNamespace(thread_time=lambda: 0.0, perf_counter=itertools.count().__next__)
    monkeypatch.setattr(module, "time", clocks)

    taker.says(frame(2, b"one"), frame(2, b"two"))

    assert (taker.given, taker.inflow.held) == ([b"one", b"two"], False)


def test_much_that_is_cheap_is_not_braked(monkeypatch: pytest.MonkeyPatch) -> None:
    taker = Taker()
    now = itertools.count(0.0, 0.0004)
    monkeypatch.setattr(
        module, "time", SimpleNamespace(thread_time=lambda: next(now), perf_counter=itertools.count().__next__)
    )

    taker.says(frame(2, bytes(8 * MOST_PIECE)))

    assert len(taker.given) == 8
    assert not taker.inflow.held
