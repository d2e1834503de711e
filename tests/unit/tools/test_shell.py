"""Running programs and holding locks, with real short-lived programs."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tools.shell import Finished, lock, run


def test_it_keeps_what_a_program_writes_on_both_streams() -> None:
    code = "import sys; print('one', flush=True); print('two', file=sys.stderr); sys.exit(3)"
    assert run([sys.executable, "-c", code]) == Finished(3, "one\ntwo\n")


def test_it_leaves_the_output_of_a_loud_program_alone(capfd: pytest.CaptureFixture[str]) -> None:
    assert run([sys.executable, "-c", "print('heard')"], quiet=False) == Finished(0)
    assert capfd.readouterr().out == "heard\n"


def test_it_counts_a_program_that_does_not_exist_as_status_127(tmp_path: Path) -> None:
    absent = str(tmp_path / "absent")
    assert run([absent]) == Finished(127, f"[Errno 2] No such file or directory: '{absent}'")


def test_it_adds_variables_and_sets_directory_and_mask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "yes")
    code = "import os; print(os.environ['KEPT'], os.environ['ADDED'], os.getcwd(), oct(os.umask(0)))"
    finished = run([sys.executable, "-c", code], env={"ADDED": "too"}, cwd=tmp_path, umask=0o027)
    assert finished == Finished(0, f"yes too {tmp_path} 0o27\n")


@pytest.mark.parametrize(
    ("finished", "line"),
    [
        (Finished(1, "first\nE: the reason \n\n"), "E: the reason"),
        (Finished(-9, " \n"), "exit status -9"),
    ],
)
def test_the_last_line_is_the_reason(finished: Finished, line: str) -> None:
    assert finished.last_line == line


def test_a_termination_ends_the_program_before_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[str]] = []

    class Interrupted(subprocess.Popen[str]):
        def communicate(self, *args: object, **kwargs: object) -> tuple[str, str]:
            started.append(self)
            raise SystemExit(143)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(SystemExit) as leaving:
        run([sys.executable, "-c", "import signal; signal.pause()"])
    assert leaving.value.code == 143
    assert started[0].returncode == -signal.SIGTERM


def test_an_interruption_waits_for_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[str]] = []

    class Interrupted(subprocess.Popen[str]):
        def communicate(self, *args: object, **kwargs: object) -> tuple[str, str]:
            started.append(self)
            raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        run([sys.executable, "-c", "raise SystemExit(5)"])
    assert started[0].returncode == 5


def test_a_lock_is_held_inside_and_free_afterwards(tmp_path: Path) -> None:
    other = os.open(tmp_path, os.O_RDONLY)
    try:
        with lock(tmp_path), pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(other)


def test_it_says_that_it_waits_for_a_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[int] = []

    def busy_once(descriptor: int, operation: int) -> None:
        asked.append(operation)
        if len(asked) == 1:
            raise BlockingIOError(11, "busy")

    monkeypatch.setattr(fcntl, "flock", busy_once)
    with lock(tmp_path):
        assert asked == [fcntl.LOCK_EX | fcntl.LOCK_NB, fcntl.LOCK_EX]
    assert capsys.readouterr().out == f"Waiting for another set-up to finish ({tmp_path} is locked)\n"


def test_it_goes_on_where_the_file_system_has_no_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with lock(tmp_path):
        pass
    expected = f"{tmp_path} cannot be locked (No locks available): run one set-up at a time\n"
    assert capsys.readouterr().err == expected
