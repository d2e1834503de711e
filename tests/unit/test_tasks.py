"""Background tasks: kept while they run, heard of when they fail."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref

import pytest

from remote_service.tasks import spawn


async def test_a_task_is_kept_alive_although_nobody_holds_it() -> None:
    event = asyncio.Event()
    done = asyncio.Event()

    async def work() -> None:
        await event.wait()
        done.set()

    task = weakref.ref(spawn(work(), name="work"))
    await asyncio.sleep(0)
    gc.collect()
    assert task() is not None
    event.set()
    await done.wait()
    await asyncio.sleep(0)
    gc.collect()
    assert task() is None


async def test_what_a_task_raises_is_logged_with_its_name_and_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("the reason")

    task = spawn(fail(), name="a name")
    await asyncio.wait({task})
    await asyncio.sleep(0)
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.ERROR, "task a name failed")
    assert "ValueError: the reason" in caplog.text


async def test_a_cancelled_task_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    task = spawn(asyncio.Event().wait(), name="waits")
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    await asyncio.sleep(0)
    assert not caplog.records


async def test_a_task_gives_its_result() -> None:
    async def answer() -> int:
        return 42

    assert await spawn(answer(), name="answer") == 42
