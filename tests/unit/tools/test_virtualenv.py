"""When `.venv` is made, when its packages are installed, and when nothing is done."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tools import virtualenv
from tools.shell import Finished, SetupError
from tools.system_packages import Need
from tools.virtualenv import ensure_requirements, ensure_venv, is_installed, stamp_of

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
BASE = os.path.realpath(sys.executable)


class Programs:
    """Stands for `run`: notes each call and its mask, and answers as told, in turn or always."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Finished) -> None:
        self.calls: list[tuple[list[str], int]] = []
        self.answers = list(answers)
        monkeypatch.setattr(virtualenv, "run", self.run)

    def run(self, argv: Sequence[str], *, umask: int = -1) -> Finished:
        self.calls.append((list(argv), umask))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / ".venv").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "requirements.txt").write_text("a==1\n")
    (tmp_path / "tests/requirements.txt").write_text("b==1\n")
    return tmp_path


def test_an_environment_that_runs_us_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    programs = Programs(monkeypatch, Finished(0))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    ensure_venv(tmp_path, allowed=True, is_root=True)
    assert programs.calls == []
    assert capsys.readouterr().out == ""


def test_an_environment_that_another_set_up_made_is_kept(monkeypatch: pytest.MonkeyPatch, checkout: Path) -> None:
    programs = Programs(monkeypatch, Finished(0))
    ensure_venv(checkout / ".venv", allowed=True, is_root=True)
    ((argv, _),) = programs.calls
    assert argv[:2] == [str(checkout / ".venv/bin/python"), "-c"]


@pytest.mark.parametrize(("is_root", "umask"), [(True, 0o022), (False, -1)])
def test_an_environment_that_does_not_work_is_made_anew(
    is_root: bool,
    umask: int,
    monkeypatch: pytest.MonkeyPatch,
    checkout: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    programs = Programs(monkeypatch, Finished(127), Finished(0))
    ensure_venv(checkout / ".venv", allowed=True, is_root=is_root)
    assert programs.calls[1] == ([BASE, "-m", "venv", "--clear", str(checkout / ".venv")], umask)
    assert capsys.readouterr().out == f"Making the virtual environment .venv with {BASE} (Python {VERSION})\n"


def test_an_environment_that_lost_its_packages_is_made_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    programs = Programs(monkeypatch, Finished(0))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    ensure_venv(tmp_path, allowed=True, is_root=True)
    assert programs.calls == [([BASE, "-m", "venv", "--clear", str(tmp_path)], 0o022)]


def test_it_says_why_the_environment_could_not_be_made(monkeypatch: pytest.MonkeyPatch, checkout: Path) -> None:
    Programs(monkeypatch, Finished(127), Finished(1, "Error: [Errno 28] No space left on device\n"))
    with pytest.raises(SetupError) as refusal:
        ensure_venv(checkout / ".venv", allowed=True, is_root=True)
    assert str(refusal.value) == (
        f"{BASE} -m venv {checkout / '.venv'} failed: Error: [Errno 28] No space left on device"
    )


@pytest.mark.parametrize(
    ("is_root", "allowed", "apt_get", "sudo"),
    [(False, True, True, "sudo "), (True, False, True, ""), (True, True, False, "")],
)
def test_an_incomplete_venv_module_has_its_line_to_type(
    is_root: bool, allowed: bool, apt_get: bool, sudo: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Programs(monkeypatch, Finished(127))
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    monkeypatch.setattr(virtualenv, "find_program", lambda name: name if apt_get else None)
    with pytest.raises(SetupError) as refusal:
        ensure_venv(tmp_path / ".venv", allowed=allowed, is_root=is_root)
    assert str(refusal.value) == (
        f"{BASE} cannot make a virtual environment, because its venv module is not complete. "
        f"On Debian type: {sudo}apt-get install --no-install-recommends python{VERSION}-venv"
    )


def test_root_completes_the_venv_module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    programs = Programs(monkeypatch, Finished(127), Finished(0))
    asked: list[str] = []

    def install(needs: Sequence[Need], *, allowed: bool, is_root: bool) -> bool:
        asked.extend(need.package for need in needs)
        return allowed and is_root

    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    monkeypatch.setattr(virtualenv, "find_program", lambda name: name)
    monkeypatch.setattr(virtualenv, "ensure", install)
    ensure_venv(tmp_path / ".venv", allowed=True, is_root=True)
    assert asked == [f"python{VERSION}-venv"]
    assert len(programs.calls) == 2


def test_changed_requirements_are_installed_once(
    monkeypatch: pytest.MonkeyPatch, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    programs = Programs(monkeypatch, Finished(0))
    files = [checkout / "requirements.txt", checkout / "tests/requirements.txt"]
    ensure_requirements(checkout / ".venv", files, is_root=False)
    ((argv, umask),) = programs.calls
    assert argv[:3] == [str(checkout / ".venv/bin/python"), "-m", "pip"]
    assert argv[-4:] == ["-r", str(files[0]), "-r", str(files[1])]
    assert umask == -1
    assert capsys.readouterr().out == (
        "Installing the Python packages of requirements.txt and tests/requirements.txt (a minute or two)\n"
    )

    ensure_requirements(checkout / ".venv", files, is_root=False)
    assert len(programs.calls) == 1
    assert capsys.readouterr().out == ""


def test_only_the_changed_file_is_installed(monkeypatch: pytest.MonkeyPatch, checkout: Path) -> None:
    programs = Programs(monkeypatch, Finished(0))
    files = [checkout / "requirements.txt", checkout / "tests/requirements.txt"]
    ensure_requirements(checkout / ".venv", files, is_root=True)
    files[1].write_text("b==2\n")
    ensure_requirements(checkout / ".venv", files, is_root=True)
    argv, umask = programs.calls[1]
    assert argv[-3:] == ["--quiet", "-r", str(files[1])]
    assert umask == 0o022


def test_a_failed_installation_is_tried_again(monkeypatch: pytest.MonkeyPatch, checkout: Path) -> None:
    Programs(monkeypatch, Finished(1, "ERROR: No matching distribution found for a==1\n"))
    file = checkout / "requirements.txt"
    with pytest.raises(SetupError) as refusal:
        ensure_requirements(checkout / ".venv", [file], is_root=True)
    assert str(refusal.value) == (
        "ERROR: No matching distribution found for a==1\n"
        "pip could not install requirements.txt: its reason stands above. "
        "Mend it and run make again: what is installed already is kept."
    )
    assert not is_installed(checkout / ".venv", file)


def test_the_stamp_is_the_hash_of_the_file(monkeypatch: pytest.MonkeyPatch, checkout: Path) -> None:
    Programs(monkeypatch, Finished(0))
    file = checkout / "tests/requirements.txt"
    ensure_requirements(checkout / ".venv", [file], is_root=True)
    assert stamp_of(checkout / ".venv", file) == checkout / ".venv/tests-requirements.sha256"
    assert stamp_of(checkout / ".venv", file).read_text() == hashlib.sha256(b"b==1\n").hexdigest() + "\n"
    assert is_installed(checkout / ".venv", file)
