"""`run` and `spawn` with real programs, in the test's own process."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from remote_service.answers import Answer
from remote_service.hosting.programs import Program
from remote_service.hosting.script_context import ScriptContext
from remote_service.hosting.wire import Channel
from remote_service.script import RemoteServiceScript
from tests.integration.hosting.stage import alive, eventually


class Session:
    """A context, and what it told."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self.runner, self.channel = Channel(ours), Channel(theirs)
        self.context = ScriptContext("a-session", self.channel, logging.Logger("session"), None)

    def run(self, *argv: str | Path, timeout: float = 10.0, **more: object) -> subprocess.CompletedProcess[str]:
        return self.context.run(argv, timeout=timeout, **{"env": None, "cwd": None, **more})  # type: ignore[arg-type]

    def spawn(self, *argv: str, **more: object) -> subprocess.Popen[bytes]:
        return self.context.spawn(argv, **{"env": None, "cwd": None, "pass_fds": (), **more})  # type: ignore[arg-type]


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session()
    yield made
    made.runner.close()
    made.channel.close()
    for process in made.context._spawned:
        process.kill()
        process.wait()


def test_run_gives_status_and_both_outputs_and_shows_them(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    done = session.run("sh", "-c", "echo out; echo err >&2; exit 3")
    assert (done.args, done.returncode, done.stdout) == (
        ["sh", "-c", "echo out; echo err >&2; exit 3"],
        3,
        "out\nerr\n",
    )
    assert capsys.readouterr().out == "out\nerr\n"


def test_run_takes_paths_variables_and_a_directory(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INHERITED", "yes")
    script = tmp_path / "script"
    script.write_text('#!/bin/sh\necho "$PWD $ADDED $INHERITED"\n')
    script.chmod(0o700)
    assert session.run(script, env={"ADDED": "too"}, cwd=tmp_path).stdout == f"{tmp_path} too yes\n"


def test_run_does_not_wait_for_a_daemon_that_holds_the_output(session: Session) -> None:
    began = time.monotonic()
    done = session.run("sh", "-c", "echo before; sleep 1000 & echo $!")
    pid = int(done.stdout.split()[1])
    os.kill(pid, 9)
    assert time.monotonic() - began < 5


def test_run_kills_what_takes_too_long_with_its_children(session: Session, tmp_path: Path) -> None:
    child = tmp_path / "child"
    with pytest.raises(subprocess.TimeoutExpired):
        session.run("sh", "-c", f"sleep 1000 & echo $! > {child}; echo shown; wait", timeout=0.5)
    eventually(lambda: not alive(int(child.read_text())))


def test_run_of_a_program_that_left_its_group_kills_it_all_the_same(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(group: int, number: int) -> None:
        raise ProcessLookupError(3, "No such process")

    monkeypatch.setattr(os, "killpg", nobody)
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        session.run("sleep", "1000", timeout=0.1)
    assert caught.value.timeout == 0.1


def test_run_reads_nothing_and_shows_bytes_that_are_no_text(session: Session) -> None:
    assert session.run("sh", "-c", "cat; printf '\\377'").stdout == "\ufffd"


@pytest.mark.parametrize("helper", ["run", "spawn"])
def test_a_program_that_does_not_exist_is_an_error(session: Session, helper: str) -> None:
    with pytest.raises(FileNotFoundError):
        getattr(session, helper)("/nowhere/no-such-program")


def test_spawn_starts_a_program_in_a_session_of_its_own_and_has_it_watched(session: Session) -> None:
    process = session.spawn("sleep", "1000")
    assert os.getsid(process.pid) == process.pid
    assert session.context.poll().answer is Answer.PENDING
    process.kill()
    process.wait()
    assert session.context.poll().reason == "sleep has ended: killed by SIGKILL."


def test_spawn_passes_variables_a_directory_and_descriptors(session: Session, tmp_path: Path) -> None:
    read, write = os.pipe()
    session.spawn(
        "sh", "-c", f'echo "$ADDED $PWD" > /dev/fd/{write}', env={"ADDED": "x"}, cwd=tmp_path, pass_fds=[write]
    )
    os.close(write)
    with os.fdopen(read) as output:
        assert output.read() == f"x {tmp_path}\n"


def test_spawn_tells_of_the_program_and_has_the_script_s_state_saved(session: Session) -> None:
    session.context.attach(RemoteServiceScript("A type"))
    process = session.spawn("sleep", "1000")
    program, told = session.runner.receive_available() or []
    assert program == {"spawned": Program.of(process.pid, "sleep").as_list()}
    assert told["state"]["_name"] == "A type"
