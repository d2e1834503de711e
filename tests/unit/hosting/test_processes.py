"""Processes as `/proc` shows them; ending them is in tests/integration/hosting."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from remote_service.hosting import processes
from remote_service.hosting.processes import MARKER, NO_SESSION, Process
from tests.waiting import eventually

SESSION = "12345678-9abc-4def-8123-456789abcdef"


def test_this_process_is_seen_as_it_is() -> None:
    seen = processes.look(os.getpid())
    assert seen is not None
    assert (seen.pid, seen.parent, seen.dead) == (os.getpid(), os.getppid(), False)
    assert processes.all_processes()[os.getpid()].start_time == seen.start_time


def test_a_pid_that_nobody_has_is_nobody() -> None:
    assert processes.look(2**22 + 1) is None
    assert processes.carries_marker(2**22 + 1, SESSION) is False


@pytest.mark.parametrize(
    ("state", "dead"), [("R", False), ("S", False), ("D", False), ("T", False), ("Z", True), ("X", True)]
)
def test_a_zombie_is_dead(state: str, dead: bool) -> None:
    assert Process(1, 0, state, 0).dead is dead


def table(*lines: tuple[int, int, str]) -> dict[int, Process]:
    """Processes by pid, parent and state."""
    return {pid: Process(pid, parent, state, pid * 10) for pid, parent, state in lines}


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([], set()),
        ([(10, 1, "S")], set()),
        ([(10, 1, "S"), (11, 10, "S"), (12, 11, "S"), (13, 12, "S"), (20, 1, "S")], {11, 12, 13}),
        ([(13, 12, "S"), (12, 11, "S"), (11, 10, "S"), (10, 1, "S")], {11, 12, 13}),
        # The children of a zombie are its own until it is fetched.
        ([(10, 1, "S"), (11, 10, "Z"), (12, 11, "S")], {12}),
        # Pids go round: a parent may have a higher one.
        ([(10, 1, "S"), (900, 10, "S"), (4, 900, "R")], {900, 4}),
    ],
)
def test_descendants_are_children_and_their_children(
    monkeypatch: pytest.MonkeyPatch, lines: list[tuple[int, int, str]], found: set[int]
) -> None:
    monkeypatch.setattr(processes, "all_processes", lambda: table(*lines))
    assert {process.pid for process in processes.descendants(10)} == found


def test_the_marked_are_those_that_live_and_carry_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "all_processes", lambda: table((10, 1, "S"), (11, 1, "Z"), (12, 1, "S")))
    monkeypatch.setattr(processes, "carries_marker", lambda pid, session: pid != 12 and session == SESSION)
    assert [process.pid for process in processes.marked(SESSION)] == [10]
    assert processes.marked("another") == []


def test_what_is_in_the_session_s_group_is_its_own_without_a_marker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "all_processes", lambda: table((10, 1, "S"), (11, 1, "S")))
    monkeypatch.setattr(processes, "in_group", lambda pid, session: (pid, session) == (11, SESSION))
    assert [process.pid for process in processes.marked(SESSION)] == [11]


@pytest.mark.parametrize(
    ("groups", "is_in"),
    [
        (f"0::/system.slice/a.service/remote-session/{SESSION}\n", True),
        (f"4:memory:/remote-session/{SESSION}\n0::/\n", True),
        (f"4:memory:/\n0::/remote-session/{SESSION}/inner\n", True),
        (f"0::/remote-session/{SESSION}0\n", False),
        (f"0::/{SESSION}\n", False),
        ("0::/\n", False),
    ],
)
def test_the_group_of_a_process_names_its_session(monkeypatch: pytest.MonkeyPatch, groups: str, is_in: bool) -> None:
    monkeypatch.setattr("builtins.open", lambda path, mode: io.BytesIO(groups.encode()))
    assert processes.in_group(1, SESSION) is is_in


def test_a_process_that_is_not_there_is_in_no_group() -> None:
    assert processes.in_group(2**22 + 1, SESSION) is False


def test_the_marker_of_a_process_is_the_session_that_it_was_started_for() -> None:
    program = subprocess.Popen(["sleep", "60"], env={"FIRST": "1", MARKER: SESSION})
    try:
        # Popen returns in the midst of execve(2), before the environment can be read.
        eventually(lambda: processes.marker_of(program.pid) == SESSION)
    finally:
        program.kill()
        program.wait()
    assert processes.marker_of(2**22 + 1) == ""


def test_a_name_with_brackets_and_spaces_does_not_confuse_the_fields() -> None:
    name = Path(f"/proc/{os.getpid()}/comm")
    before = name.read_text()
    name.write_text("odd) S 1 (name")
    try:
        seen = processes.look(os.getpid())
        assert seen is not None and seen.parent == os.getppid()
    finally:
        name.write_text(before)


def test_the_placeholder_is_as_long_as_a_session_s_name() -> None:
    assert len(NO_SESSION) == len(SESSION)


def test_marking_this_process_names_the_session_for_what_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MARKER, NO_SESSION)
    monkeypatch.setattr(processes, "_placeholder", None)
    processes.mark_this_process(SESSION)
    assert os.environ[MARKER] == SESSION


def test_a_kernel_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        def prctl(self, *_: int) -> int:
            return -1

    monkeypatch.setattr(processes, "_libc", Refusing())
    with pytest.raises(OSError, match=r"prctl\(PR_SET_CHILD_SUBREAPER\) failed"):
        processes.adopt_orphans()


def test_nothing_is_waited_for_where_nothing_is_held() -> None:
    assert processes.wait_for_one([], 0.0) is False


def test_who_leads_a_process_session_and_what_it_runs_is_seen() -> None:
    waits = [sys.executable, "-m", "json.tool"]
    with subprocess.Popen(waits, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True) as led:
        assert processes.leads(led.pid)
        # Popen returns as soon as the kernel has begun with the program, and its arguments are there a moment later.
        assert eventually(lambda: processes.runs(led.pid, b"json.tool"))
        assert not processes.runs(led.pid, b"json")
        led.kill()
    with subprocess.Popen(["sleep", "60"]) as child:
        assert (processes.leads(child.pid), processes.runs(child.pid, b"json.tool")) == (False, False)
        child.kill()
    assert (processes.leads(2**22 + 1), processes.runs(2**22 + 1, b"json.tool")) == (False, False)
