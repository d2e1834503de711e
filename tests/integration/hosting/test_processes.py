"""Ending processes without mistakes, on real ones."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from remote_service.hosting import processes
from remote_service.hosting.processes import MARKER, NO_SESSION, Process, end_processes
from tests.integration.hosting.stage import alive, eventually

Start = Callable[..., subprocess.Popen[bytes]]

IGNORES = "trap '' TERM; echo; while :; do sleep 1; done"


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts programs that say a line when they are under way; whatever is left is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def one(*argv: str, says: bool = True, **environment: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env={**os.environ, **environment},
            start_new_session=True,
        )  # fmt: skip
        started.append(process)
        if says:
            assert process.stdout is not None and process.stdout.readline()
        return process

    yield one
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def seen(*started: subprocess.Popen[bytes]) -> Callable[[], list[Process]]:
    """What `end_processes` asks for: those of them that live."""

    def find() -> list[Process]:
        found = [processes.look(process.pid) for process in started]
        return [process for process in found if process is not None and not process.dead]

    return find


def test_a_program_that_minds_sigterm_is_ended_by_it(start: Start) -> None:
    program = start("sh", "-c", "echo; exec sleep 1000")
    assert end_processes(seen(program), patience=5.0) == []
    assert program.wait() == -signal.SIGTERM


def test_one_that_ignores_it_is_killed_after_the_patience(start: Start) -> None:
    program = start("sh", "-c", IGNORES)
    began = time.monotonic()
    assert end_processes(seen(program), patience=0.3) == []
    assert time.monotonic() - began >= 0.3
    assert program.wait() == -signal.SIGKILL


def test_one_that_is_stopped_is_ended_without_being_killed(start: Start) -> None:
    program = start("sh", "-c", "echo; exec sleep 1000")
    program.send_signal(signal.SIGSTOP)
    assert end_processes(seen(program), patience=5.0) == []
    assert program.wait() == -signal.SIGTERM


def test_nothing_to_end_takes_no_time() -> None:
    began = time.monotonic()
    assert end_processes(lambda: [], patience=5.0) == []
    assert time.monotonic() - began < 1.0


def test_it_never_ends_itself() -> None:
    me = processes.look(os.getpid())
    assert me is not None
    assert end_processes(lambda: [me], patience=5.0) == []


def test_one_that_is_no_more_what_it_was_gets_no_signal_and_is_reported(start: Start) -> None:
    program = start("sh", "-c", "echo; exec sleep 1000")
    assert end_processes(seen(program), patience=0.1, still=lambda process: False) == [program.pid]
    assert alive(program.pid)


def test_a_pid_that_another_process_has_by_now_gets_no_signal(start: Start) -> None:
    program = start("sh", "-c", "echo; exec sleep 1000")
    now = processes.look(program.pid)
    assert now is not None
    earlier = Process(now.pid, now.parent, now.state, now.start_time - 1)
    gone = Process(2**22 + 1, 1, "S", 0)
    answers = iter([[earlier, gone]])
    assert end_processes(lambda: next(answers, []), patience=0.1) == []
    assert alive(program.pid)


def test_its_children_are_the_caller_s_to_fetch(start: Start) -> None:
    other = start("sh", "-c", "echo; exit 5")
    program = start("sh", "-c", "echo; exec sleep 1000")
    end_processes(seen(program), patience=5.0)
    assert other.wait() == 5


def test_descriptors_above_1023_are_no_hindrance(start: Start) -> None:
    """A gateway with a thousand viewers has them."""
    program = start("sh", "-c", "echo; exec sleep 1000")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    try:
        while not held or held[-1] < 1030:
            held.append(os.open(os.devnull, os.O_RDONLY))
        assert end_processes(seen(program), patience=5.0) == []
    finally:
        for number in held:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert program.wait() == -signal.SIGTERM


def test_the_marker_is_found_in_what_a_program_was_started_with(start: Start) -> None:
    session = str(uuid.uuid4())
    program = start("sh", "-c", "echo; unset REMOTE_SERVICE_SESSION; exec sleep 1000", **{MARKER: session})
    other = start("sh", "-c", "echo; exec sleep 1000", **{MARKER: session[:-1]})
    still = start("sh", "-c", "echo; sleep 1000; true", **{MARKER: session})
    assert processes.carries_marker(still.pid, session)
    assert not processes.carries_marker(other.pid, session)
    assert still.pid in [process.pid for process in processes.marked(session)]
    eventually(lambda: not processes.carries_marker(program.pid, session))


def test_a_process_marks_itself_where_its_environment_stands_in_memory(start: Start) -> None:
    session = str(uuid.uuid4())
    code = f"""
import os, sys, time
from remote_service.hosting import processes
os.environ.clear()
processes.mark_this_process({session!r})
processes.adopt_orphans()
print("marked", flush=True)
if not os.fork():
    time.sleep(1000)
os.wait()
"""
    program = start(
        sys.executable, "-c", code,
        **{MARKER: NO_SESSION, "PYTHONPATH": str(Path(processes.__file__).parents[2])},
    )  # fmt: skip
    (child,) = eventually(lambda: processes.descendants(program.pid))
    assert {process.pid for process in processes.marked(session)} == {program.pid, child.pid}


def test_a_placeholder_of_another_length_is_left_alone() -> None:
    code = """
import os
from remote_service.hosting import processes
processes.mark_this_process("too short")
print(open("/proc/self/environ").read().count(processes.NO_SESSION), os.environ[processes.MARKER])
"""
    environment = {MARKER: NO_SESSION, "PYTHONPATH": str(Path(processes.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "1 too short\n"


def test_ended_children_are_fetched_with_how_they_ended() -> None:
    """In a process of its own: it fetches every child, those of the test runner too."""
    code = """
import os
from remote_service.hosting import processes
assert processes.reap() == []
children = {os.spawnlp(os.P_NOWAIT, "sh", "sh", "-c", f"exit {n}"): n for n in (3, 4)}
found = {}
while len(found) < 2:
    found.update(processes.reap())
assert {pid: os.waitstatus_to_exitcode(status) for pid, status in found.items()} == children
child = os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "1000")
assert processes.reap() == []
os.kill(child, 9)
os.waitpid(child, 0)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(processes.__file__).parents[2])}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=30)
