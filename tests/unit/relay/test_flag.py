"""A flag lets go whoever waits for it, once, and forgets who has given up."""

from __future__ import annotations

import asyncio

from remote_service.relay.flag import Flag
from remote_service.tasks import spawn


async def test_who_comes_when_it_is_up_does_not_wait() -> None:
    flag = Flag()
    assert not flag.is_set()
    flag.set()
    assert flag.is_set()
    await flag.wait()


async def test_all_who_wait_go_on_even_if_it_is_down_again() -> None:
    flag = Flag()
    waiting = [spawn(flag.wait(), name="waiting") for _ in range(3)]
    await asyncio.sleep(0)
    flag.set()
    flag.clear()
    await asyncio.gather(*waiting)
    assert not flag.is_set()


async def test_who_gives_up_is_forgotten_and_the_others_go_on() -> None:
    flag = Flag()
    first, second, third = waiting = [spawn(flag.wait(), name="waiting") for _ in range(3)]
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    third.cancel()
    flag.set()
    await asyncio.wait(waiting)
    assert first.cancelled()
    assert third.cancelled()
    assert not second.cancelled()


async def test_it_can_be_waited_for_again() -> None:
    flag = Flag()
    for _ in range(2):
        waiting = spawn(flag.wait(), name="waiting")
        await asyncio.sleep(0)
        assert not waiting.done()
        flag.set()
        flag.clear()
        await waiting
