"""Names that nothing else ever has: of this machine since its start, and of a process on it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from remote_service.hosting import machine
from remote_service.hosting.machine import boot, has_ended, identity, place_of
from remote_service.hosting.processes import look
from tests.waiting import eventually


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["/bin/sleep", "60"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def _anew() -> Iterator[None]:
    """What the kernel says is asked for again, in the test and after it."""
    boot.cache_clear()
    machine._numbering.cache_clear()
    yield
    boot.cache_clear()
    machine._numbering.cache_clear()


def test_a_place_names_the_machine_and_the_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.node", lambda: "n8")
    assert place_of(Path("/state/run")) == "n8:/state/run"


def test_a_process_that_runs_has_not_ended(sleeper: subprocess.Popen[bytes]) -> None:
    assert has_ended(identity()) is False
    assert has_ended(identity(sleeper.pid)) is False
    assert identity(sleeper.pid) != identity()


def test_one_that_was_killed_has_ended_even_before_anybody_fetches_it(sleeper: subprocess.Popen[bytes]) -> None:
    name = identity(sleeper.pid)
    sleeper.kill()
    eventually(lambda: (found := look(sleeper.pid)) is not None and found.dead)
    assert has_ended(name) is True
    sleeper.wait()
    assert has_ended(name) is True


def test_one_whose_pid_another_has_now_has_ended() -> None:
    pid, start_time, *rest = identity().split(" ")
    assert has_ended(" ".join([pid, str(int(start_time) - 1), *rest])) is True


def test_one_that_ran_before_the_machine_was_started_again_has_ended() -> None:
    pid, start_time, _, numbering = identity().split(" ")
    assert has_ended(f"{pid} {start_time} another-boot {numbering}") is True


def test_of_one_whose_pid_was_counted_elsewhere_nobody_here_knows() -> None:
    pid, start_time, booted, _ = identity().split(" ")
    assert has_ended(f"{pid} {int(start_time) - 1} {booted} pid:[1]") is False


@pytest.mark.parametrize("text", ["", "4711", f"x y {boot()} z", "1 2 3 4 5", "1 2  pid:[1]"])
def test_what_cannot_be_understood_has_not_ended(text: str) -> None:
    assert has_ended(text) is False


@pytest.mark.usefixtures("_anew")
def test_where_the_kernel_does_not_tell_nothing_has_ended_for_sure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(_path: str) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(machine, "BOOT_ID", tmp_path / "none")
    monkeypatch.setattr(os, "readlink", refuse)
    assert boot() == ""
    pid, start_time, booted, numbering = identity().split(" ")
    assert (booted, numbering) == ("", "")
    assert has_ended(f"{pid} {int(start_time) - 1}  ") is False
    assert has_ended(f"{pid} {int(start_time) - 1} another-boot pid:[1]") is False
