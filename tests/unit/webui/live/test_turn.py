"""Tests of the turn that is handed on by rank."""

from __future__ import annotations

import asyncio

import pytest

from remote_service.tasks import spawn
from webui.live.turn import Turn


class Queue:
    """People who take their turn, and the order in which they got it."""

    def __init__(self) -> None:
        self.turn = Turn()
        self.had: list[str] = []
        self.go_on = asyncio.Event()

    def asks(self, name: str, *rank: int) -> asyncio.Task[None]:
        async def waits() -> None:
            async with self.turn.taken(lambda: rank):
                self.had.append(name)
                await self.go_on.wait()

        return spawn(waits(), name=name)


@pytest.fixture
async def queue() -> Queue:
    return Queue()


async def asked(*tasks: asyncio.Task[None]) -> None:
    """Lets each of them come to where it waits."""
    await asyncio.wait(tasks, timeout=0)


async def test_who_comes_first_is_not_interrupted_and_then_the_lowest_rank_is_next(queue: Queue) -> None:
    tasks = [queue.asks("slow", 9), queue.asks("late", 1, 5), queue.asks("urgent", 0, 7), queue.asks("later", 1, 5)]
    await asked(*tasks)
    assert queue.had == ["slow"]
    queue.go_on.set()
    await asyncio.gather(*tasks)
    assert queue.had == ["slow", "urgent", "late", "later"]


async def test_a_rank_may_become_another_while_one_waits(queue: Queue) -> None:
    ranks = {"one": 1, "other": 2}

    async def waits(name: str) -> None:
        async with queue.turn.taken(lambda: (ranks[name],)):
            queue.had.append(name)

    first = queue.asks("first", 0)
    await asked(first)
    both = [spawn(waits(name), name=name) for name in ranks]
    await asked(*both)
    ranks["other"] = 0
    queue.go_on.set()
    await asyncio.gather(first, *both)
    assert queue.had == ["first", "other", "one"]


async def test_when_nobody_waits_it_is_free_again(queue: Queue) -> None:
    queue.go_on.set()
    await queue.asks("one", 0)
    await queue.asks("another", 0)
    assert queue.had == ["one", "another"]


async def test_who_gives_up_waiting_is_passed_over(queue: Queue) -> None:
    first, gone, last = tasks = [queue.asks("first", 0), queue.asks("gone", 1), queue.asks("last", 2)]
    await asked(*tasks)
    gone.cancel()
    queue.go_on.set()
    await asyncio.gather(first, last)
    assert (queue.had, gone.cancelled()) == (["first", "last"], True)


async def test_who_gives_up_at_the_very_moment_hands_it_on(queue: Queue) -> None:
    queue.go_on.set()
    async with queue.turn.taken(lambda: (0,)):
        gone, last = queue.asks("gone", 1), queue.asks("last", 2)
        await asked(gone, last)
    gone.cancel()
    await last
    assert queue.had == ["last"]


async def test_what_is_raised_in_a_turn_ends_it(queue: Queue) -> None:
    with pytest.raises(ValueError, match="no"):
        async with queue.turn.taken(lambda: (0,)):
            raise ValueError("no")
    queue.go_on.set()
    await queue.asks("next", 0)
    assert queue.had == ["next"]
