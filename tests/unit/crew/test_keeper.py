"""Processes are kept: started anew when they die, renewed one after the other, ended together; tiny real ones."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from remote_service.crew import keeper as module
from remote_service.crew.keeper import Keeper, Part
from remote_service.tasks import spawn
from tests.waiting import eventually_async

BEGIN = """
import json, os, signal, sys
told = json.loads(sys.stdin.readline())
def note(what):
    with open(told["notes"], "a") as file:
        file.write(f"{told['name']} {what}\\n")
def say_ready():
    note("ready")
    os.write(told["ready_at"], b"\\n")
"""
WAITS_FOR_ITS_END = f"{BEGIN}say_ready(); signal.pause()"
IGNORES_SIGTERM = f"""{BEGIN}
signal.signal(signal.SIGTERM, lambda *_: note("asked to end"))
say_ready()
while True:
    signal.pause()
"""
IS_NEVER_READY = f"{BEGIN}note('there'); signal.pause()"
DIES = f"{BEGIN}note('there'); sys.exit(3)"
DIES_UNREAD = "raise SystemExit(4)"
HERE = Path(__file__).parent
RUNS = sys.executable, "-S", "-c"


class Crew:
    """Parts, what they note, and the keeper."""

    def __init__(self, folder: Path) -> None:
        self.notes_file = folder / "notes"
        self.parts: list[Part] = []
        self.keeper: Any = None
        self.running: asyncio.Task[None] | None = None

    def has(self, name: str, program: str, *more: str, patience: float = 5.0) -> None:
        told = {"name": name, "notes": str(self.notes_file)}
        self.parts.append(Part(name, [*RUNS, program, *more], told, HERE, patience=patience))

    def starts(self) -> None:
        self.keeper = Keeper(self.parts)
        self.running = spawn(self.keeper.run(), name="keeper")

    def notes(self) -> list[str]:
        return self.notes_file.read_text().splitlines() if self.notes_file.exists() else []

    async def note(self, number: int, what: str) -> None:
        """So many of these have been noted."""
        await eventually_async(lambda: self.notes().count(what) >= number)

    async def stops(self) -> None:
        assert self.running is not None
        self.keeper.stop()
        async with asyncio.timeout(10.0):
            await self.running


@pytest.fixture
async def crew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Crew]:
    monkeypatch.setattr(module, "FIRST_WAIT", 0.001)
    made = Crew(tmp_path)
    yield made
    if made.running is not None and not made.running.done():
        await made.stops()


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.message) for record in caplog.records if record.name == module.__name__]


async def is_ready(keeper: Keeper) -> None:
    async with asyncio.timeout(10.0):
        await keeper.ready()


# ---- starting, and ending together -----------------------------------------------------------------------


async def test_all_are_started_and_ended_together(crew: Crew, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("one", "other"):
        crew.has(name, WAITS_FOR_ITS_END)
    crew.starts()
    await is_ready(crew.keeper)
    await crew.stops()
    assert sorted(crew.notes()) == ["one ready", "other ready"]
    assert logged(caplog) == []


async def test_the_crew_is_ready_when_all_are(crew: Crew) -> None:
    crew.has("one", WAITS_FOR_ITS_END)
    crew.has("other", IS_NEVER_READY)
    crew.starts()
    ready = spawn(crew.keeper.ready(), name="ready")
    await crew.note(1, "one ready")
    await crew.note(1, "other there")
    await asyncio.sleep(0)
    assert not ready.done()
    ready.cancel()


async def test_secrets_are_told_on_the_standard_input_not_in_an_argument(crew: Crew, tmp_path: Path) -> None:
    program = f"{BEGIN}note(told['secret'] + str(sys.argv)); say_ready(); signal.pause()"
    told = {"name": "one", "notes": str(crew.notes_file), "secret": "hush"}
    crew.parts.append(Part("one", [*RUNS, program], told, HERE))
    crew.starts()
    await is_ready(crew.keeper)
    assert crew.notes()[0] == "one hush['-c']"


async def test_one_may_have_an_environment_of_its_own(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "a secret")
    program = f"{BEGIN}note(told['name'] + str('DATABASE_URL' in os.environ)); say_ready(); signal.pause()"
    for name, environment in (("same", None), ("own", {"PATH": os.environ["PATH"]})):
        told = {"name": name, "notes": str(crew.notes_file)}
        crew.parts.append(Part(name, [*RUNS, program], told, HERE, environment=environment))
    crew.starts()
    await is_ready(crew.keeper)
    assert {"own ownFalse", "same sameTrue"} <= set(crew.notes())


async def test_descriptors_are_inherited_under_their_numbers(crew: Crew, tmp_path: Path) -> None:
    with open(tmp_path / "shared", "w") as file:
        program = f"{BEGIN}os.write({file.fileno()}, b'inherited'); say_ready(); signal.pause()"
        told = {"name": "one", "notes": str(crew.notes_file)}
        crew.parts.append(Part("one", [*RUNS, program], told, HERE, [file.fileno()]))
        crew.starts()
        await is_ready(crew.keeper)
    assert (tmp_path / "shared").read_text() == "inherited"


async def test_each_has_a_session_of_its_own_so_that_ctrl_c_reaches_their_keeper_alone(crew: Crew) -> None:
    crew.has("one", f"{BEGIN}note(os.getsid(0) == os.getpid()); say_ready(); signal.pause()")
    crew.starts()
    await is_ready(crew.keeper)
    assert crew.notes()[0] == "one True"


async def test_they_hear_of_their_keepers_death_by_the_end_of_their_standard_input(crew: Crew) -> None:
    crew.has("one", f"{BEGIN}say_ready(); sys.stdin.read(); note('orphaned')")
    crew.starts()
    await is_ready(crew.keeper)
    crew.keeper._places[0].process.stdin.close()
    await crew.note(1, "one orphaned")


async def test_one_that_does_not_end_is_killed(crew: Crew, caplog: pytest.LogCaptureFixture) -> None:
    crew.has("one", IGNORES_SIGTERM, patience=0.3)
    crew.starts()
    await is_ready(crew.keeper)
    await crew.stops()
    assert crew.notes() == ["one ready", "one asked to end"]
    assert logged(caplog) == [("WARNING", "the one process has not ended within 0.3 s; killed")]


async def test_a_signal_reaches_who_has_the_name(crew: Crew) -> None:
    program = f"{BEGIN}signal.signal(signal.SIGHUP, lambda *_: note('reloads')); say_ready()\nwhile 1: signal.pause()"
    for name in ("one", "other"):
        crew.has(name, program)
    crew.starts()
    await is_ready(crew.keeper)
    crew.keeper.send("one", signal.SIGHUP)
    await crew.note(1, "one reloads")
    assert "other reloads" not in crew.notes()


async def test_a_signal_to_one_that_is_not_there_is_lost(crew: Crew) -> None:
    crew.has("one", DIES)
    Keeper(crew.parts).send("one", signal.SIGHUP)


# ---- those that die --------------------------------------------------------------------------------------


async def test_who_dies_is_started_again_after_waits_that_grow(crew: Crew, caplog: pytest.LogCaptureFixture) -> None:
    crew.has("one", DIES)
    crew.has("other", WAITS_FOR_ITS_END)
    crew.starts()
    await crew.note(4, "one there")
    await crew.stops()
    assert logged(caplog)[:3] == [
        ("ERROR", f"the one process has died (exit status 3); it is started again in {wait} s")
        for wait in (0.001, 0.002, 0.004)
    ]
    assert crew.notes().count("other ready") <= 1, "the others are left alone"


class Lives:
    """How a process lives, so often as the test says; `clock` is the event loop's."""

    def __init__(self, crew: Crew, monkeypatch: pytest.MonkeyPatch, *, count: int, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        real, self.ahead, self.left, self.seconds = loop.time, 0.0, count, seconds
        self.crew = crew
        monkeypatch.setattr(loop, "time", lambda: real() + self.ahead)
        monkeypatch.setattr(module.Keeper, "_live", lambda _keeper, _place: self.live())

    async def live(self) -> int:
        self.ahead += self.seconds
        self.left -= 1
        if not self.left:
            self.crew.keeper.stop()
        return -9


@pytest.mark.parametrize(
    ("seconds", "waits"), [(0.0, (0.001, 0.002, 0.004, 0.005, 0.005)), (1.0, (0.001, 0.001, 0.001, 0.001, 0.001))]
)
async def test_the_waits_grow_no_further_than_that_and_not_for_one_that_had_lived(
    crew: Crew, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, seconds: float, waits: Any
) -> None:
    monkeypatch.setattr(module, "MOST_WAIT", 0.005)
    crew.has("one", DIES)
    Lives(crew, monkeypatch, count=6, seconds=seconds)
    crew.starts()
    assert crew.running is not None
    await crew.running
    assert logged(caplog) == [
        ("ERROR", f"the one process has died (signal 9); it is started again in {wait} s") for wait in waits
    ]


async def test_one_that_dies_without_having_read_what_it_was_told_is_no_mistake(
    crew: Crew, caplog: pytest.LogCaptureFixture
) -> None:
    crew.has("one", DIES_UNREAD)
    crew.starts()
    await eventually_async(lambda: len(logged(caplog)) >= 2)
    await crew.stops()
    assert {message.partition(";")[0] for _level, message in logged(caplog)} == {
        "the one process has died (exit status 4)"
    }


async def test_one_that_cannot_be_started_is_tried_again(crew: Crew, caplog: pytest.LogCaptureFixture) -> None:
    crew.parts.append(Part("one", [str(crew.notes_file.parent / "none")], {}, HERE))
    crew.has("other", WAITS_FOR_ITS_END)
    crew.starts()
    await eventually_async(lambda: len(caplog.records) >= 2)
    await crew.note(1, "other ready")
    await crew.stops()
    assert logged(caplog)[0] == (
        "ERROR",
        "the one process has died (it cannot be started: No such file or directory); it is started again in 0.001 s",
    )


async def test_while_one_waits_to_be_started_again_the_crew_can_end(
    crew: Crew, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT", 60.0)
    crew.has("one", DIES)
    crew.starts()
    await eventually_async(lambda: caplog.records)
    await crew.stops()
    assert crew.notes() == ["one there"]


# ---- renewing --------------------------------------------------------------------------------------------


async def test_they_are_renewed_one_after_the_other(crew: Crew, caplog: pytest.LogCaptureFixture) -> None:
    ends = f"{BEGIN}signal.signal(signal.SIGTERM, lambda *_: (note('ends'), sys.exit())); say_ready(); signal.pause()"
    for name in ("relay", "pages-1", "pages-2"):
        crew.has(name, ends)
    crew.starts()
    await is_ready(crew.keeper)
    with caplog.at_level(logging.INFO, module.__name__):
        await crew.keeper.renew("pages")
    assert crew.notes()[3:] == ["pages-1 ends", "pages-1 ready", "pages-2 ends", "pages-2 ready"]
    assert logged(caplog) == [
        ("INFO", "the pages-1 process is started anew"),
        ("INFO", "the pages-2 process is started anew"),
    ]


async def test_one_that_does_not_end_when_it_is_renewed_is_killed(crew: Crew, caplog: pytest.LogCaptureFixture) -> None:
    crew.has("pages-1", IGNORES_SIGTERM, patience=0.3)
    crew.starts()
    await is_ready(crew.keeper)
    await crew.keeper.renew("pages")
    assert crew.notes() == ["pages-1 ready", "pages-1 asked to end", "pages-1 ready"]
    assert logged(caplog) == [
        ("WARNING", "the pages-1 process has not ended within 0.3 s; killed"),
        ("INFO", "the pages-1 process is started anew"),
    ]


async def test_one_that_died_by_itself_needs_no_renewal_and_a_later_death_is_told(
    crew: Crew, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT", 0.2)
    crew.has("pages-1", WAITS_FOR_ITS_END)
    crew.starts()
    await is_ready(crew.keeper)
    crew.keeper.send("pages-1", signal.SIGKILL)
    await eventually_async(lambda: caplog.records)
    await crew.keeper.renew("pages")
    assert crew.notes() == ["pages-1 ready", "pages-1 ready"]
    crew.keeper.send("pages-1", signal.SIGKILL)
    await eventually_async(lambda: len(caplog.records) == 2)
    assert {message.partition(";")[0] for _level, message in logged(caplog)} == {
        "the pages-1 process has died (signal 9)"
    }


async def test_a_crew_that_ends_renews_nobody(crew: Crew) -> None:
    crew.has("pages-1", WAITS_FOR_ITS_END)
    crew.starts()
    await is_ready(crew.keeper)
    await crew.stops()
    await crew.keeper.renew("pages")
    assert crew.notes() == ["pages-1 ready"]
