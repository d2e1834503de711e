"""An endpoint's bytes that are worked on: in slices, with a brake, in order, and nothing behind an error."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from remote_service.relay import outflow as module
from remote_service.relay.inflow import BRAKE, BRAKE_FROM
from remote_service.relay.outflow import MOST_AT_ONCE, SLICE, Outflow, Work, brake_for, slices
from remote_service.rfb.buffer import Data
from remote_service.rfb.errors import Peer, RemoteProtocolError
from tests.unit.relay.doubles import ViewerTransport

NO_RFB = RemoteProtocolError(Peer.VNC_SERVER, offset=0, field="message-type", value=7, allowed="0")


def look(data: Data) -> Data:
    if b"!" in bytes(data):
        raise NO_RFB
    passed = bytes(data).replace(b"secret", b"")
    return data if len(passed) == len(data) else passed


class Ends:
    """A transport, and what passed of its bytes."""

    def __init__(self) -> None:
        self.transport = ViewerTransport()
        self.looked: list[int] = []
        self.given: list[Data] = []
        self.keeps = False
        self.failed: list[RemoteProtocolError] = []
        self.outflow = Outflow(self.transport, look=self._look, give=self._give, fail=self.failed.append)

    def _look(self, data: Data) -> Data:
        self.looked.append(len(data))
        return look(data)

    def _give(self, data: Data) -> bool:
        self.given.append(data)
        return self.keeps


class Timers:
    """In the place of a loop: what was asked for is run by hand."""

    def __init__(self) -> None:
        self.waiting: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, seconds: float, callback: Callable[[], None]) -> SimpleNamespace:
        timer = (seconds, callback)
        self.waiting.append(timer)
        return SimpleNamespace(cancel=lambda: self.waiting.remove(timer))

    def ring(self) -> float:
        seconds, callback = self.waiting.pop(0)
        callback()
        return seconds


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> Timers:
    made = Timers()
    monkeypatch.setattr(module, "asyncio", SimpleNamespace(get_running_loop=lambda: made))
    return made


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch, timers: Timers) -> Timers:
    """Each slice takes 10 ms."""
    spent, now = itertools.count(0.0, 0.01), itertools.count(0.0, 0.01)
    clocks = SimpleNamespace(thread_time=spent.__next__, perf_counter=now.__next__)
    monkeypatch.setattr(module, "time", clocks)
    return timers


@pytest.mark.parametrize(("size", "expected"), [(0, [0]), (SLICE, [SLICE]), (2 * SLICE + 1, [SLICE, SLICE, 1])])
def test_slices_are_small_and_whole(size: int, expected: list[int]) -> None:
    assert [len(piece) for piece in slices(bytes(size))] == expected


def test_only_what_takes_long_for_its_size_is_braked() -> None:
    assert brake_for(BRAKE_FROM, 1) == 0.0
    assert brake_for(2 * BRAKE_FROM, SLICE) == 2 * BRAKE_FROM * BRAKE
    assert brake_for(2 * BRAKE_FROM, 2 * SLICE) == 0.0
    assert brake_for(2 * BRAKE_FROM, 1) == 2 * BRAKE_FROM * BRAKE


def test_what_passes_of_a_chunk_is_given_in_one_piece() -> None:
    ends = Ends()
    ends.outflow.feed(b"secret" + bytes(MOST_AT_ONCE))
    ends.outflow.feed(b"secret")

    assert ends.given == [bytes(MOST_AT_ONCE)]
    assert ends.looked == [MOST_AT_ONCE, 6, 6]


def test_a_chunk_of_which_nothing_is_taken_out_is_not_copied() -> None:
    ends = Ends()
    chunk = bytes(4 * MOST_AT_ONCE)
    ends.outflow.feed(chunk)

    assert ends.given[0] is chunk


def test_a_chunk_has_to_stay_while_it_is_worked_on_or_who_takes_it_keeps_it(slow: Timers) -> None:
    ends = Ends()
    assert ends.outflow.feed(bytes(MOST_AT_ONCE + 1))
    assert ends.outflow.feed(b"more")
    for _ in range(3):
        slow.ring()
    assert ends.outflow.feed(b"more") is False
    slow.ring()
    ends.keeps = True
    assert ends.outflow.feed(b"more")
    ends.outflow.stop()
    assert not ends.outflow.feed(b"more")


@pytest.mark.parametrize("secret", [0, 1, 2, 3, None])
@pytest.mark.parametrize("often", [True, False])
def test_all_that_passes_is_taken_once_whatever_was_changed(secret: int | None, often: bool) -> None:
    parts = [bytes([65 + at]) * (MOST_AT_ONCE - 6) for at in range(4)]
    chunk = b"".join(part + (b"secret" if at == secret else b"public") for at, part in enumerate(parts)) + b"end"
    work, taken = Work(chunk, look), b""

    while not work.done:
        work.step()
        taken += work.take() if often else b""

    assert taken + work.take() == chunk.replace(b"secret", b"")


def test_who_makes_work_waits_for_it_and_nothing_is_lost_or_overtaken(slow: Timers) -> None:
    ends = Ends()
    ends.outflow.feed(b"a" * MOST_AT_ONCE + b"b")
    ends.outflow.feed(b"c")
    assert ends.given == [b"a" * MOST_AT_ONCE]
    assert not ends.transport.reading

    assert slow.ring() == pytest.approx(0.01 * BRAKE)
    assert ends.given[1:] == [b"b"]
    assert not ends.transport.reading
    slow.ring()
    slow.ring()

    assert ends.given[1:] == [b"b", b"c"]
    assert ends.transport.reading
    assert slow.waiting == []


def test_who_was_kept_waiting_by_others_is_not_braked(slow: Timers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.time, "thread_time", lambda: 0.0)
    ends = Ends()
    ends.outflow.feed(b"a" * 3 * MOST_AT_ONCE)
    assert ends.given == [b"a" * 3 * MOST_AT_ONCE]
    assert slow.waiting == []


def test_the_brake_does_not_undo_that_the_viewer_is_full(slow: Timers) -> None:
    ends = Ends()
    ends.outflow.feed(b"a")
    ends.outflow.viewer_full()
    slow.ring()
    assert not ends.transport.reading

    ends.outflow.viewer_drained()
    assert ends.transport.reading


def test_a_viewer_that_has_caught_up_does_not_undo_the_brake(slow: Timers) -> None:
    ends = Ends()
    ends.outflow.viewer_full()
    ends.outflow.feed(b"a")
    ends.outflow.viewer_drained()
    assert not ends.transport.reading

    slow.ring()
    assert ends.transport.reading


def test_what_came_before_an_error_passes_and_nothing_behind_it() -> None:
    ends = Ends()
    ends.outflow.feed(b"a" * MOST_AT_ONCE + b"!" + b"b" * SLICE)
    ends.outflow.feed(b"c")

    assert ends.given == [b"a" * MOST_AT_ONCE]
    assert ends.failed == [NO_RFB]
    ends.outflow.viewer_full()
    ends.outflow.viewer_drained()
    assert not ends.transport.reading


def test_once_stopped_nothing_passes(slow: Timers) -> None:
    ends = Ends()
    ends.outflow.feed(b"a" * MOST_AT_ONCE + b"b")

    ends.outflow.stop()

    assert slow.waiting == []
    ends.outflow.feed(b"c")
    assert ends.given == [b"a" * MOST_AT_ONCE]
