"""What the process that keeps the others does: it announces, passes signals on, and has a folder for their sockets."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from remote_service.crew.course import keep, meeting_place
from remote_service.tasks import spawn
from tests.waiting import eventually_async


class Keeper:
    """Keeps nobody, and remembers what it is asked."""

    def __init__(self) -> None:
        self.are_ready = asyncio.Event()
        self.stopping = asyncio.Event()
        self.asked: list[Any] = []

    async def run(self) -> None:
        await self.stopping.wait()

    async def ready(self) -> None:
        await self.are_ready.wait()

    def stop(self) -> None:
        self.stopping.set()

    def send(self, name: str, number: signal.Signals) -> None:
        self.asked.append((name, number))

    async def renew(self, prefix: str) -> None:
        self.asked.append(prefix)


class Course:
    """The course, as it runs."""

    def __init__(self) -> None:
        self.keeper = Keeper()
        self.said: list[str] = []
        self.running = spawn(keep(self.keeper, lambda: self.said.append("ready")), name="course")  # type: ignore[arg-type]

    async def begun(self) -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def ended(self) -> None:
        async with asyncio.timeout(5.0):
            await self.running


@pytest.fixture
async def course() -> Iterator[Course]:  # type: ignore[misc]
    made = Course()
    await made.begun()
    yield made
    made.keeper.stop()
    await made.ended()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2):
        asyncio.get_running_loop().remove_signal_handler(number)


async def test_it_announces_once_all_are_ready(course: Course) -> None:
    assert course.said == []
    course.keeper.are_ready.set()
    await eventually_async(lambda: course.said == ["ready"])


async def test_one_that_is_stopped_before_announces_nothing(course: Course) -> None:
    course.keeper.stop()
    await course.ended()
    course.keeper.are_ready.set()
    await asyncio.sleep(0)
    assert course.said == []


async def test_sigterm_ends_it(course: Course) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    await course.ended()
    assert course.keeper.asked == []


async def test_ctrl_c_ends_it_and_the_supervisor_is_told_to_end_the_sessions(course: Course) -> None:
    os.kill(os.getpid(), signal.SIGINT)
    await course.ended()
    assert course.keeper.asked == [("supervisor", signal.SIGINT)]


async def test_sighup_is_the_supervisors_to_reload(course: Course) -> None:
    os.kill(os.getpid(), signal.SIGHUP)
    await eventually_async(lambda: course.keeper.asked == [("supervisor", signal.SIGHUP)])


async def test_sigusr2_starts_the_pages_anew(course: Course) -> None:
    os.kill(os.getpid(), signal.SIGUSR2)
    await eventually_async(lambda: course.keeper.asked == ["pages"])


def test_the_crew_meets_where_nobody_else_may_enter(tmp_path: Path) -> None:
    with meeting_place(tmp_path) as folder:
        assert folder == tmp_path / "crew"
        for each in (folder, folder / "nudges", folder / "figures"):
            assert stat.S_IMODE(each.stat().st_mode) == 0o700
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_crew_left_there_is_removed(tmp_path: Path) -> None:
    (tmp_path / "crew").mkdir(mode=0o755)
    (tmp_path / "crew" / "office.sock").touch()
    with meeting_place(tmp_path) as folder:
        assert sorted(path.name for path in folder.iterdir()) == ["figures", "nudges"]
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_one_that_has_gone_by_itself_is_no_trouble(tmp_path: Path) -> None:
    with meeting_place(tmp_path) as folder:
        for path in (folder / "nudges", folder / "figures", folder):
            path.rmdir()
