"""What `ps` shows of the processes that a session has of us."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from remote_service.hosting import titles
from remote_service.hosting.titles import MODULE, title

SESSION = "1e392889-41dd-4afa-8000-000000000001"


def test_a_title_names_the_session_and_its_type_in_the_command_s_place() -> None:
    command = b"/usr/bin/python3\0-m\0" + MODULE + b"\x0080\0My desktop\0"
    found = title(command, "runner", SESSION)
    assert found.rstrip(b"\0") == MODULE + b"\0runner\x001e392889\0My desktop"
    assert (len(found), found[-1]) == (len(command), 0)
    assert title(found, "script", SESSION) == found.replace(b"runner", b"script"), "a fork of the fork has its own"


def test_one_that_would_be_longer_is_cut() -> None:
    command = b"py\0-m\0" + MODULE + b"\x008\0D\0"
    words = MODULE + b"\0runner\x001e392889\0D"
    assert title(command, "runner", SESSION) == words[: len(command) - 1] + b"\0"


def test_where_the_arguments_are_not_found_nothing_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = Path("/proc/self/cmdline").read_bytes()
    monkeypatch.setattr(titles, "PROC", tmp_path)
    titles.set_title("runner", SESSION)
    (tmp_path / "cmdline").write_bytes(before)
    (tmp_path / "stat").write_text("1 (python) " + "0 " * 50)
    titles.set_title("runner", SESSION)
    assert Path("/proc/self/cmdline").read_bytes() == before


def test_a_process_shows_its_title_and_keeps_its_environment() -> None:
    code = (
        "import sys; from remote_service.hosting.titles import set_title; "
        f"set_title('runner', {SESSION!r}); "
        "sys.stdout.buffer.write(open('/proc/self/cmdline', 'rb').read()); "
        "sys.stderr.buffer.write(open('/proc/self/environ', 'rb').read())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, "8", "My desktop"],
        env={"FIRST": "1", "PYTHONPATH": ":".join(sys.path)}, capture_output=True, check=True,
    )  # fmt: skip
    assert ran.stdout.rstrip(b"\0") == b"\0".join([MODULE, b"runner", b"1e392889", b"My desktop"])
    assert ran.stderr.startswith(b"FIRST=1\0")
