"""What is missing, what is typed or run for it, and what is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tools import system_packages
from tools.shell import Finished, SetupError
from tools.system_packages import (
    RUN_NEEDS,
    TEST_NEEDS,
    Need,
    ensure,
    find_program,
    install_command,
    line_to_type,
    megabytes_to_download,
    missing,
    on_this_machine,
    reason,
    wanted,
)

VNC = Need("tigervnc-standalone-server", "Xtigervnc", elsewhere="Xvnc")
XTERM = Need("xterm", "xterm")
TYPE_THIS = "apt-get install --no-install-recommends tigervnc-standalone-server xterm"


class Machine:
    """A machine whose programs are a set, and whose apt-get answers as it was told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, apt_get: bool = True) -> None:
        self.programs: set[str] = set()
        self.ran: list[list[str]] = []
        self.install = Finished(0)
        self.list_uris = Finished(0, "'http://a/x.deb' x.deb 1500000 SHA256:0\n")
        self.brings = {"Xtigervnc", "xterm"}
        monkeypatch.setattr(system_packages, "APT_DIRECTORY", tmp_path)
        monkeypatch.setattr(system_packages, "find_program", lambda name: name if apt_get else None)
        monkeypatch.setattr(system_packages, "run", self.run)

    def has(self, name: str) -> bool:
        return name in self.programs

    def run(self, argv: Sequence[str], *, env: Mapping[str, str]) -> Finished:
        assert env["DEBIAN_FRONTEND"] == "noninteractive"
        self.ran.append(list(argv))
        if "--print-uris" in argv:
            return self.list_uris
        if "install" in argv and self.install.status == 0:
            self.programs |= self.brings
        return self.install if "install" in argv else Finished(0)


def test_it_installs_unless_told_otherwise() -> None:
    assert wanted({})
    assert wanted({"SYSTEM_PACKAGES": ""})


@pytest.mark.parametrize(("value", "answer"), [("1", True), ("0", False)])
def test_it_obeys_the_variable(value: str, answer: bool) -> None:
    assert wanted({"SYSTEM_PACKAGES": value}) is answer


def test_it_refuses_another_value_of_the_variable() -> None:
    with pytest.raises(SetupError) as refusal:
        wanted({"SYSTEM_PACKAGES": "no"})
    assert str(refusal.value) == (
        "SYSTEM_PACKAGES is 'no'; expected 1 (install what is missing, as root) or 0 (leave it so)."
    )


def test_it_finds_what_is_missing_in_order() -> None:
    assert missing((VNC, XTERM), lambda name: False) == (VNC, XTERM)
    assert missing((VNC, XTERM), lambda name: name == "Xtigervnc") == (XTERM,)


def test_a_program_counts_under_its_name_on_other_systems() -> None:
    assert missing((VNC, XTERM), lambda name: name == "Xvnc") == (XTERM,)


def test_the_tests_need_all_that_running_needs() -> None:
    assert TEST_NEEDS[: len(RUN_NEEDS)] == RUN_NEEDS
    assert len({need.package for need in TEST_NEEDS}) == len(TEST_NEEDS)


def test_a_file_is_looked_for_by_its_path(tmp_path: Path) -> None:
    assert on_this_machine(str(tmp_path))
    assert not on_this_machine(str(tmp_path / "absent"))


def test_a_program_is_looked_for_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "a-program-of-ours"
    program.touch(mode=0o755)
    assert not on_this_machine(program.name)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert on_this_machine(program.name)


def test_a_program_is_looked_for_among_the_administrators_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "a-program-of-ours"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(system_packages, "ADMIN_DIRECTORIES", str(tmp_path))
    assert find_program(program.name) == str(program)


@pytest.mark.parametrize(("is_root", "sudo"), [(True, ""), (False, "sudo ")])
def test_the_line_to_type_has_sudo_for_those_who_need_it(is_root: bool, sudo: str) -> None:
    names = ["tigervnc-standalone-server", "xterm"]
    assert line_to_type(names, is_root=is_root) == sudo + TYPE_THIS


def test_apt_get_asks_nothing_and_waits_for_another_apt() -> None:
    assert install_command("/usr/bin/apt-get", ["xterm"], "--print-uris") == [
        *("/usr/bin/apt-get", "install", "-y", "-qq", "--no-install-recommends"),
        *("-o", "DPkg::Lock::Timeout=300", "--print-uris", "xterm"),
    ]


def test_the_download_is_the_sum_of_apts_list() -> None:
    uris = (
        "Reading package lists...\n"
        "'http://a/pool/x_1%3a2.deb' x_1%3a2_amd64.deb 1500000 SHA256:00\n"
        "'http://a/pool/y.deb' y_amd64.deb 600001 MD5Sum:00\n"
    )
    assert megabytes_to_download(uris) == 3
    assert megabytes_to_download("") == 0


def test_the_first_error_of_apt_is_the_reason() -> None:
    assert (
        reason(Finished(100, "W: old\nE: Failed to fetch x\nE: Unable to fetch some archives\n")) == "Failed to fetch x"
    )
    assert reason(Finished(2, "dpkg: broken\n")) == "dpkg: broken"


def test_it_is_silent_when_nothing_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert ensure((VNC, XTERM), allowed=True, is_root=True, find=lambda name: True)
    assert capsys.readouterr().out == ""


def test_root_installs_what_is_missing_and_says_so_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = Machine(monkeypatch, tmp_path)
    assert ensure((VNC, XTERM), allowed=True, is_root=True, find=machine.has)
    assert capsys.readouterr().out == (
        "Refreshing the package lists (apt-get update) for 2 missing system packages\n"
        "Installing system packages with apt-get (about 2 MB to download): tigervnc-standalone-server xterm\n"
    )
    assert [argv[1] for argv in machine.ran] == ["update", "install", "install"]
    assert machine.ran[2][-2:] == ["tigervnc-standalone-server", "xterm"]
    assert "--print-uris" not in machine.ran[2]


@pytest.mark.parametrize(
    ("is_root", "allowed", "sudo"), [(False, True, "sudo "), (False, False, "sudo "), (True, False, "")]
)
def test_others_are_told_what_to_type(
    is_root: bool,
    allowed: bool,
    sudo: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    machine = Machine(monkeypatch, tmp_path)
    assert not ensure((VNC, XTERM), allowed=allowed, is_root=is_root, find=machine.has)
    assert capsys.readouterr().out == f"Missing system packages; type: {sudo}{TYPE_THIS}\n"
    assert machine.ran == []


def test_without_apt_get_the_programs_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = Machine(monkeypatch, tmp_path, apt_get=False)
    assert not ensure((VNC, XTERM), allowed=True, is_root=True, find=machine.has)
    assert capsys.readouterr().out == (
        "There is no apt-get here; install these programs with this system's package manager: Xtigervnc, xterm\n"
    )


def test_a_failing_apt_get_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = Machine(monkeypatch, tmp_path)
    machine.install = Finished(100, "E: Failed to fetch http://a/x.deb\nE: Unable to fetch some archives\n")
    assert not ensure((VNC, XTERM), allowed=True, is_root=True, find=machine.has)
    assert capsys.readouterr().out.splitlines()[2:] == [
        "apt-get could not install them (Failed to fetch http://a/x.deb); going on without. "
        f"Later type: {TYPE_THIS} (SYSTEM_PACKAGES=0 stops the attempts)"
    ]


def test_packages_that_apt_does_not_know_are_not_asked_for_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = Machine(monkeypatch, tmp_path)
    machine.list_uris = Finished(100, "E: Unable to locate package xterm\n")
    assert not ensure((XTERM,), allowed=True, is_root=True, find=machine.has)
    assert len(machine.ran) == 2
    assert capsys.readouterr().out.splitlines()[1:] == [
        "apt-get could not install them (Unable to locate package xterm); going on without. "
        "Later type: apt-get install --no-install-recommends xterm (SYSTEM_PACKAGES=0 stops the attempts)"
    ]


def test_a_package_that_does_not_bring_its_program_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = Machine(monkeypatch, tmp_path)
    machine.brings = {"Xtigervnc"}
    assert not ensure((VNC, XTERM), allowed=True, is_root=True, find=machine.has)
    assert capsys.readouterr().out.splitlines()[2:] == ["Still missing, although apt-get installed xterm: xterm"]


def test_what_another_set_up_installed_meanwhile_is_not_installed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(monkeypatch, tmp_path)
    answers = iter([False, True, True])
    assert ensure((XTERM,), allowed=True, is_root=True, find=lambda name: next(answers))
    assert machine.ran == []
