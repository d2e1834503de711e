"""Connections that keep the server waiting; the event loop is played, so that no time passes."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from remote_service.admission import doorkeeper as module
from remote_service.admission.doorkeeper import (
    ANSWER_PATIENCE,
    BODY_PATIENCE,
    BREAK,
    HEADER_PATIENCE,
    LOOK,
    MOST_AT_ONCE,
    Doorkeeper,
    doorkeeper,
    most_without_request,
)


class Clock:
    """The part of an event loop that is asked for."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, work: Callable[[], None]) -> object:
        self.timers.append((self.now + seconds, work))
        return object()

    def pass_by(self, seconds: float) -> None:
        until = self.now + seconds
        while self.timers and self.timers[0][0] <= until:
            self.now, work = self.timers.pop(0)
            work()
        self.now = until


class Client:
    def __init__(self) -> None:
        self.said: list[str] = []
        self.transport: Any = SimpleNamespace(abort=lambda: self.said.append("aborted"))

    def late(self) -> None:
        self.said.append("late")

    def late_body(self) -> None:
        self.said.append("late body")


@pytest.fixture
def clock() -> Clock:
    return Clock()


def keeper_of(clock: Clock, most: int = 1000) -> Doorkeeper:
    loop: Any = clock
    return Doorkeeper(loop, most)


@pytest.mark.parametrize(
    ("name", "patience", "told"),
    [("headers", HEADER_PATIENCE, "late"), ("bodies", BODY_PATIENCE, "late body"), ("answers", ANSWER_PATIENCE,
                                                                                  "aborted")],
)  # fmt: skip
def test_who_keeps_us_waiting_is_told(clock: Clock, name: str, patience: float, told: str) -> None:
    keeper, client = keeper_of(clock), Client()
    keeper.wait_in(getattr(keeper, name), client)
    clock.pass_by(patience - LOOK)
    assert client.said == []
    clock.pass_by(2 * LOOK)
    assert client.said == [told]


def test_thousands_that_are_late_at_the_same_moment_are_told_a_few_at_a_time(clock: Clock) -> None:
    keeper, clients = keeper_of(clock), [Client() for _ in range(3 * MOST_AT_ONCE + 1)]
    for client in clients:
        keeper.came(client)
    told: list[int] = []
    while clock.timers:
        clock.pass_by(clock.timers[0][0] - clock.now)
        told.append(sum(bool(client.said) for client in clients))
    steps = [MOST_AT_ONCE, 2 * MOST_AT_ONCE, 3 * MOST_AT_ONCE, len(clients)]
    assert [count for count in told if count] == steps
    assert clock.now == pytest.approx(HEADER_PATIENCE + 3 * BREAK)


def test_when_nobody_waits_nothing_is_looked_at(clock: Clock) -> None:
    keeper, client = keeper_of(clock), Client()
    keeper.came(client)
    keeper.forget(client)
    clock.pass_by(LOOK)
    assert clock.timers == []
    keeper.came(client)
    assert len(clock.timers) == 1


def test_who_was_forgotten_is_not_told(clock: Clock) -> None:
    keeper, client = keeper_of(clock), Client()
    for waiting in (keeper.headers, keeper.bodies, keeper.answers, keeper.idle):
        keeper.wait_in(waiting, client)
    keeper.forget(client)
    clock.pass_by(100)
    assert client.said == []


def test_of_too_many_without_a_request_the_oldest_goes_idle_ones_first(clock: Clock) -> None:
    keeper = keeper_of(clock, most=3)
    idle, first, second, third, fourth = (Client() for _ in range(5))
    keeper.wait_in(keeper.idle, idle)
    for client in (first, second, third):
        keeper.came(client)
    assert (idle.said, first.said) == (["aborted"], [])
    keeper.came(fourth)
    assert (first.said, second.said) == (["aborted"], [])


def test_one_that_goes_on_is_not_idle(clock: Clock) -> None:
    keeper, client = keeper_of(clock), Client()
    keeper.wait_in(keeper.idle, client)
    keeper.spoke(client)
    assert client not in keeper.idle


def test_connections_without_a_request_leave_descriptors_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    for soft, most in ((1024, 256), (20000, 5000), (20, 16)):
        monkeypatch.setattr(resource, "getrlimit", lambda _what, soft=soft: (soft, 1 << 20))
        assert most_without_request() == most


async def test_there_is_one_for_each_event_loop() -> None:
    loop = asyncio.get_running_loop()
    assert doorkeeper(loop) is doorkeeper(loop)
    assert module.doorkeeper(loop)._loop is loop
