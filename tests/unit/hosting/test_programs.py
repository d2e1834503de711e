"""Programs of a session, as they are known again by who did not start them."""

from __future__ import annotations

import json
import os
import subprocess

from remote_service.hosting.processes import look
from remote_service.hosting.programs import NEVER, Program


def test_one_is_known_by_its_pid_and_when_it_was_started() -> None:
    ours = look(os.getpid())
    assert ours is not None
    assert Program.of(os.getpid(), "python") == Program(os.getpid(), ours.start_time, "python")
    assert Program.of(os.getpid(), "python").lives


def test_it_comes_back_from_json_as_it_was() -> None:
    program = Program(4711, 99, "Xtigervnc")
    assert Program.from_list(json.loads(json.dumps(program.as_list()))) == program


def test_another_that_has_its_pid_is_not_it() -> None:
    now = Program.of(os.getpid(), "python")
    assert not Program(now.pid, now.start_time - 1, "python").lives


def test_one_that_has_ended_does_not_live_even_before_anybody_fetches_it() -> None:
    process = subprocess.Popen(["/bin/true"])
    program = Program.of(process.pid, "true")
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not program.lives
    process.wait()
    assert not program.lives
    assert Program.of(process.pid, "true").start_time == NEVER


def test_one_that_ended_with_its_machine_never_lives() -> None:
    assert not Program(os.getpid(), NEVER, "python").lives
