"""Background tasks are kept, and never fail in silence."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref

import pytest

from remote_service.tasks import spawn


async def test_a_task_that_nobody_holds_is_kept_until_it_has_ended() -> None:
    door = asyncio.Event()
    task = weakref.ref(spawn(door.wait(), name="waiter"))
    await asyncio.sleep(0)
    gc.collect()
    held = task()
    assert held is not None and not held.done()
    door.set()
    await held


async def test_what_a_task_raises_is_logged_with_its_name(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("broken")

    with caplog.at_level(logging.ERROR, "remote_service.tasks"):
        task = spawn(fail(), name="the failing one")
        await asyncio.wait({task})
        await asyncio.sleep(0)
    (record,) = caplog.records
    assert record.getMessage() == "task the failing one failed"
    assert record.exc_info is not None and isinstance(record.exc_info[1], ValueError)


async def test_being_cancelled_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    task = spawn(asyncio.Event().wait(), name="waiter")
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    await asyncio.sleep(0)
    assert not caplog.records
