"""Requests go out no more often than allowed, none is forgotten, and continuous updates are no way around it."""

from __future__ import annotations

import struct
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from remote_service.rfb.pacer import Pacer, Request
from tests.clock import Clock


def request(incremental: int = 1, x: int = 0, y: int = 0, width: int = 100, height: int = 50) -> bytes:
    return struct.pack(">BBHHHH", 3, incremental, x, y, width, height)


def continuous(on: int, x: int = 0, y: int = 0, width: int = 100, height: int = 50) -> bytes:
    return struct.pack(">BBHHHH", 150, on, x, y, width, height)


def test_a_request_passes_when_the_last_one_is_long_ago() -> None:
    clock = Clock()
    pacer = Pacer(clock, 4)

    assert pacer.ask(request()) == request()
    clock.now += 0.25
    assert pacer.ask(request()) == request()
    assert pacer.due is None


def test_a_request_that_comes_too_early_is_held_until_it_is_due() -> None:
    clock = Clock()
    pacer = Pacer(clock, 4)
    pacer.ask(request())

    clock.now += 0.125
    assert pacer.ask(request()) == b""
    assert pacer.due == 1000.25
    assert pacer.release() == b""

    clock.now = 1000.25
    assert pacer.release() == request()
    assert pacer.due is None
    assert pacer.release() == b""


def test_several_held_requests_become_one_for_all_of_it() -> None:
    clock = Clock()
    pacer = Pacer(clock, 1)
    pacer.ask(request())

    pacer.ask(request(x=10, y=20, width=5, height=5))
    pacer.ask(request(0, x=4, y=60, width=2, height=7))
    clock.now += 1

    assert pacer.release() == request(0, x=4, y=20, width=11, height=47)


def test_a_union_beyond_what_fits_is_cut() -> None:
    far = Request(True, 65535, 0, 65535, 1)

    assert (Request(True, 0, 0, 1, 1) | far).pack() == request(width=65535, height=1)


def test_a_limit_that_ends_releases_what_was_held() -> None:
    clock = Clock()
    pacer = Pacer(clock, 0.001)
    pacer.ask(request())
    pacer.ask(request())

    pacer.rate = None

    assert pacer.due == clock.now
    assert pacer.release() == request()


def test_without_a_limit_continuous_updates_are_the_servers_affair() -> None:
    pacer = Pacer(Clock(), None)

    assert pacer.promise(continuous(1)) == continuous(1)
    assert pacer.continuous
    assert pacer.due is None
    assert pacer.promise(continuous(0)) == continuous(0)
    assert not pacer.continuous


def test_with_a_limit_the_server_is_asked_instead() -> None:
    clock = Clock()
    pacer = Pacer(clock, 2)

    assert pacer.promise(continuous(1, x=3)) == request(x=3)
    assert pacer.due == clock.now + 0.5
    clock.now += 0.5
    assert pacer.release() == request(x=3)
    assert pacer.due == clock.now + 0.5
    assert not pacer.continuous


def test_continuous_updates_end_when_the_viewer_says_so() -> None:
    clock = Clock()
    pacer = Pacer(clock, 2)
    pacer.promise(continuous(1))

    assert pacer.promise(continuous(0)) == continuous(0), "whose answer the viewer waits for"
    assert pacer.due is None


def test_a_limit_that_comes_later_stops_the_server_and_asks_from_then_on() -> None:
    clock = Clock()
    pacer = Pacer(clock, None)
    pacer.promise(continuous(1))

    pacer.rate = 2
    assert pacer.due == clock.now
    assert pacer.release() == continuous(0) + request()
    assert pacer.due == clock.now + 0.5

    pacer.rate = None
    assert pacer.due == clock.now
    assert pacer.release() == continuous(1)
    assert pacer.due is None


def test_a_limit_that_came_and_went_is_not_told() -> None:
    pacer = Pacer(Clock(), None)
    pacer.promise(continuous(1))

    pacer.rate = 2
    pacer.rate = None

    assert pacer.due is None
    assert pacer.release() == b""


STEPS = st.lists(
    st.tuples(st.floats(0, 0.5), st.sampled_from([request(), request(0, x=7), continuous(1), continuous(0), b""]))
)


@given(STEPS)
def test_no_more_is_asked_than_allowed_and_what_is_held_comes_out(steps: list[tuple[float, bytes]]) -> None:
    clock = Clock()
    pacer = Pacer(clock, 3)
    asked: list[float] = []
    for wait, message in steps:
        clock.now += wait
        take = pacer.promise if message[:1] == b"\x96" else pacer.ask
        out = take(message) if message else pacer.release()
        asked += [clock.now] if out[:1] == b"\x03" else []
        assert pacer.due is None or clock.now <= pacer.due <= clock.now + 1 / 3
    assert all(later - earlier >= 1 / 3 - 1e-9 for earlier, later in pairwise(asked))

    if pacer.due is not None:
        clock.now = pacer.due
        assert pacer.release()[:1] == b"\x03"
