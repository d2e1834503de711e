"""The kernel's own control groups, with real processes; each version where this machine has it."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from remote_service.hosting import processes
from remote_service.hosting.cgroups import Groups, Hierarchy
from remote_service.hosting.shares import Share
from tests.integration.control_groups import control_group, controllers, mounted
from tests.waiting import eventually

FORKED = "import os, sys, time; os.fork(); print(flush=True); time.sleep(1000)"
GREEDY = "import sys; sys.stdin.read(1); found = [bytearray(b'x' * (1 << 20)) for _ in range(1000)]"
BOMB = """
import os, sys, time
sys.stdin.read(1)
while True:
    try:
        os.fork()
    except OSError:
        time.sleep(0.05)
"""
SESSION = str(uuid.uuid4())
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def begin(code: str) -> subprocess.Popen[bytes]:
        program = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        started.append(program)
        return program

    yield begin
    for program in started:
        program.kill()
        program.wait()
        for pipe in (program.stdin, program.stdout):
            if pipe is not None:
                pipe.close()


@pytest.fixture
def groups() -> Iterator[Groups]:
    with control_group() as name:
        made = Groups(name, mounted())
        yield made
        assert made.end(SESSION)


def go(program: subprocess.Popen[bytes]) -> None:
    assert program.stdin is not None
    program.stdin.write(b"g")
    program.stdin.flush()


def ready(program: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    assert program.stdout is not None
    program.stdout.readline()
    return program


def needs(*names: str) -> None:
    if missing := set(names) - controllers():
        pytest.skip(f"this kernel has no control of {', '.join(sorted(missing))}")


def test_what_a_runner_has_forked_is_in_the_group_too(groups: Groups, start: Start) -> None:
    runner = ready(start(FORKED))
    groups.hold(SESSION, Share(), runner.pid)
    (worker,) = processes.descendants(runner.pid)
    assert {process.pid for process in processes.marked(SESSION)} == {runner.pid, worker.pid}
    assert groups.sessions() == {SESSION}


def test_its_end_kills_all_of_it_and_removes_it(groups: Groups, start: Start) -> None:
    runner = ready(start(FORKED))
    groups.hold(SESSION, Share(), runner.pid)
    assert groups.end(SESSION)
    assert processes.marked(SESSION) == []
    assert runner.wait() == -9
    assert groups.sessions() == set()


def test_what_leaves_by_itself_is_not_killed(groups: Groups, start: Start) -> None:
    runner = start("import sys; sys.stdin.read(1)")
    groups.hold(SESSION, Share(), runner.pid)
    go(runner)
    assert groups.end(SESSION, leave=10.0)
    assert runner.wait() == 0


def test_who_takes_more_memory_is_killed_alone_and_it_is_told(groups: Groups, start: Start) -> None:
    needs("memory")
    other = ready(start(FORKED))
    greedy = start(GREEDY)
    groups.hold(SESSION, Share(memory=64 << 20), greedy.pid)
    assert not groups.ran_out_of_memory(SESSION)
    go(greedy)
    assert greedy.wait(20) == -9
    assert eventually(lambda: groups.ran_out_of_memory(SESSION))
    assert other.poll() is None


def test_a_fork_bomb_gets_no_further_than_its_tasks_and_is_ended_whole(groups: Groups, start: Start) -> None:
    needs("pids")
    bomb = start(BOMB)
    groups.hold(SESSION, Share(cpus=0.5, tasks=30), bomb.pid)
    assert not groups.was_refused_tasks(SESSION)
    go(bomb)
    eventually(lambda: len(processes.marked(SESSION)) == 30, within=20.0)
    assert eventually(lambda: groups.was_refused_tasks(SESSION))
    assert groups.end(SESSION)
    assert processes.marked(SESSION) == []


def test_processors_are_shared_out(groups: Groups, start: Start) -> None:
    needs("cpu")
    busy = start("import sys; sys.stdin.read(1)\nwhile True: pass")
    groups.hold(SESSION, Share(cpus=0.1), busy.pid)
    go(busy)
    (home,) = [home for home in groups.homes if "cpu" in home.controllers]
    eventually(lambda: throttled(home.folder / SESSION), within=10.0)


def throttled(group: Path) -> int:
    lines = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
    return int(lines["nr_throttled"])


def test_version_2_alone_kills_what_is_in_a_group(start: Start) -> None:
    unified = [each for each in mounted() if each.unified]
    if not unified:
        pytest.skip("version 2 is not mounted here")
    with control_group(unified) as name:
        groups = Groups(name, unified)
        runner = ready(start(FORKED))
        groups.hold(SESSION, Share(), runner.pid)
        assert len(processes.marked(SESSION)) == 2
        assert groups.end(SESSION)
        assert runner.wait() == -9


def test_version_1_without_a_kill_of_its_own_kills_them_one_by_one(start: Start) -> None:
    hierarchy = next((each for each in mounted() if "pids" in each.controllers), None)
    if hierarchy is None:
        pytest.skip("version 1 has no control of pids here")
    one: list[Hierarchy] = [hierarchy]
    with control_group(one) as name:
        groups = Groups(name, one)
        bomb = start(BOMB)
        groups.hold(SESSION, Share(tasks=30), bomb.pid)
        go(bomb)
        eventually(lambda: len(processes.marked(SESSION)) == 30, within=20.0)
        assert groups.end(SESSION)
        assert processes.marked(SESSION) == []
