"""Waiting for something to become true, instead of sleeping for as long as it usually takes."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

_GAP = 0.01


def eventually(condition: Callable[[], T], within: float = 5.0) -> T:
    """Asks again and again until the answer is true, and returns it.

    Args:
        condition: asked at least once, and once more at the end.
        within: seconds.

    Raises:
        AssertionError: it was not true in time; names the condition and its last answer.
    """
    deadline = time.monotonic() + within
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(_never(condition, answer, within))
        time.sleep(_GAP)
    return answer


async def eventually_async(condition: Callable[[], T | Awaitable[T]], within: float = 5.0) -> T:
    """The same in an event loop; the condition may be a coroutine function."""
    deadline = time.monotonic() + within
    while True:
        answer = condition()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(_never(condition, answer, within))
        await asyncio.sleep(_GAP)


def _never(condition: Callable[[], object], answer: object, within: float) -> str:
    return f"{inspect.getsource(condition).strip()} was not true within {within:g} s; the last answer was {answer!r}"
