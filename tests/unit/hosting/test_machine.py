"""Names that nothing else ever has: of this machine since its start, and of a process on it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from remote_service.hosting import machine
from remote_service.hosting.machine import boot, has_ended, here, identity, place_of
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
    kept = (boot, machine._numbering, machine.machine)
    for each in kept:
        each.cache_clear()
    yield
    for each in kept:
        each.cache_clear()


def test_a_place_names_the_machine_and_the_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.node", lambda: "n8")
    assert place_of(Path("/state/run")) == "n8:/state/run"


@pytest.mark.usefixtures("_anew")
def test_the_machine_is_told_by_a_keyed_hash_of_its_id(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "machine-id"
    secret.write_text("0123456789abcdef0123456789abcdef\n")
    monkeypatch.setattr(machine, "MACHINE_ID", secret)
    # systemd-id128 machine-id --app-specific=c0c4f27f-f9e9-4b9a-8f1a-b2a9cd4e1f63
    assert machine.machine() == "46af043c24484204b63316380c22de9b"
    assert here(Path("/state/run")).home == f"{machine.machine()} {os.readlink('/proc/self/ns/pid')}"


@pytest.mark.usefixtures("_anew")
@pytest.mark.parametrize("text", [None, "", "uninitialized\n", "0" * 32, "short", "\udcff"])
def test_without_an_id_the_host_name_has_to_do(
    text: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known = tmp_path / "machine-id"
    if text is not None:
        known.write_text(text, errors="surrogateescape")
    monkeypatch.setattr(machine, "MACHINE_ID", known)
    monkeypatch.setattr("platform.node", lambda: "n8")
    first = machine.machine()
    assert (len(first), "n8" in first) == (32, False)
    machine.machine.cache_clear()
    assert machine.machine() == first
    machine.machine.cache_clear()
    monkeypatch.setattr("platform.node", lambda: "n9")
    assert machine.machine() != first


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


@pytest.mark.parametrize("part", [2, 3, 4])
def test_of_one_of_another_start_numbering_or_machine_nobody_here_knows(part: int) -> None:
    parts = identity().split(" ")
    parts[1], parts[part] = str(int(parts[1]) - 1), "another"
    assert has_ended(" ".join(parts)) is False


def test_one_of_the_version_before_is_known_by_start_and_numbering() -> None:
    pid, start_time, booted, numbering, _ = identity().split(" ")
    assert has_ended(f"{pid} {start_time} {booted} {numbering}") is False
    assert has_ended(f"{pid} {int(start_time) - 1} {booted} {numbering}") is True


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
    pid, start_time, booted, numbering, known = identity().split(" ")
    assert (booted, numbering) == ("", "")
    assert has_ended(f"{pid} {int(start_time) - 1}   {known}") is False
    assert has_ended(f"{pid} {int(start_time) - 1} another-boot pid:[1] {known}") is False
