"""First come, first served; and who waits too long, or among too many, is told so."""

from __future__ import annotations

import asyncio

import pytest

from remote_service.admission.turnstile import CrowdedError, Turnstile
from remote_service.tasks import spawn


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_so_many_are_let_in_at_once_and_the_others_in_their_order() -> None:
    turnstile = Turnstile(2, most_waiting=10, patience=60)
    entered: list[int] = []

    async def come(number: int) -> None:
        await turnstile.enter()
        entered.append(number)

    coming = [spawn(come(number), name=str(number)) for number in range(5)]
    await settled()
    assert entered == [0, 1]
    assert turnstile.pending == 5
    turnstile.leave()
    await settled()
    assert entered == [0, 1, 2]
    for _ in range(4):
        turnstile.leave()
        await settled()
    await asyncio.gather(*coming)
    assert entered == [0, 1, 2, 3, 4]
    assert turnstile.pending == 0


async def test_one_too_many_is_told_at_once() -> None:
    turnstile = Turnstile(1, most_waiting=1, patience=60)
    await turnstile.enter()
    waiting = spawn(turnstile.enter(), name="waiting")
    await settled()
    with pytest.raises(CrowdedError):
        await turnstile.enter()
    turnstile.leave()
    await waiting


async def test_who_waits_too_long_is_told_and_keeps_nobody_else_waiting() -> None:
    turnstile = Turnstile(1, most_waiting=9, patience=0)
    await turnstile.enter()
    with pytest.raises(CrowdedError):
        await turnstile.enter()
    assert turnstile.pending == 1
    turnstile.leave()
    await turnstile.enter()


async def test_who_gives_up_keeps_nobody_else_waiting() -> None:
    turnstile = Turnstile(1, most_waiting=9, patience=60)
    await turnstile.enter()
    gives_up, stays = (spawn(turnstile.enter(), name=name) for name in ("gives up", "stays"))
    await settled()
    gives_up.cancel()
    await settled()
    assert turnstile.pending == 2
    turnstile.leave()
    await stays
    assert turnstile.pending == 1


async def test_who_is_called_in_and_gives_up_at_the_same_moment_lets_the_next_one_in() -> None:
    turnstile = Turnstile(1, most_waiting=9, patience=60)
    await turnstile.enter()
    gives_up, stays = (spawn(turnstile.enter(), name=name) for name in ("gives up", "stays"))
    await settled()
    turnstile.leave()
    gives_up.cancel()
    await stays
    assert gives_up.cancelled() or gives_up.cancelling()
    assert turnstile.pending == 1
