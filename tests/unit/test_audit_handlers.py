"""Tests of where audit lines go: a private file that may be rotated, syslog; what cannot be written ends nothing."""

from __future__ import annotations

import logging
import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from remote_service import audit_handlers
from remote_service.audit_handlers import AuditFile, AuditSyslog, audit_handler
from tests.environment import folder

LOGGER = "remote_service.audit_handlers"


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("remote_service.audit", logging.INFO, __file__, 1, text, None, None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def write(path: Path) -> Iterator[Callable[[str], None]]:
    """Writes a line by one handler, which was told the path before anything was there."""
    handler = audit_handler(str(path))
    assert isinstance(handler, AuditFile)
    assert not path.exists()
    yield lambda text: handler.handle(record(text)) and None
    handler.close()


def test_lines_are_appended_to_a_file_that_nobody_else_can_read(path: Path, write: Callable[[str], None]) -> None:
    for text in ("one", "two"):
        write(text)
    assert path.read_text() == "one\ntwo\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_was_moved_away_is_followed_by_a_new_one(path: Path, write: Callable[[str], None]) -> None:
    write("one")
    path.rename(path.with_suffix(".1"))
    write("two")
    path.unlink()
    write("three")
    write("four")
    assert (path.with_suffix(".1").read_text(), path.read_text()) == ("one\n", "three\nfour\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_mode_that_the_site_has_chosen_stays(path: Path, write: Callable[[str], None]) -> None:
    path.touch()
    path.chmod(0o640)
    write("one")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_several_handlers_may_have_the_same_file(path: Path) -> None:
    handlers = [AuditFile(str(path)) for _ in range(2)]
    for number in range(4):
        handlers[number % 2].handle(record(str(number) * 20_000))
    assert [len(line) for line in path.read_text().splitlines()] == [20_000] * 4
    for handler in handlers:
        handler.close()


def test_what_cannot_be_written_is_told_once_and_counted(
    path: Path, write: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    path.mkdir()
    for text in ("one", "two", "three"):
        write(text)
    path.rmdir()
    write("four")
    write("five")
    assert path.read_text() == "four\nfive\n"
    assert caplog.record_tuples == [
        (LOGGER, logging.ERROR, f"audit lines cannot be written to {path} and are lost: Is a directory"),
        (LOGGER, logging.WARNING, f"audit lines are written to {path} again; 3 were lost"),
    ]


def test_a_full_disk_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    handler = AuditFile("/dev/full")
    handler.handle(record("one"))
    handler.handle(record("two"))
    handler.close()
    assert caplog.messages == ["audit lines cannot be written to /dev/full and are lost: No space left on device"]


def test_after_half_a_line_the_next_one_begins_afresh(
    path: Path, write: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = os.write
    monkeypatch.setattr(audit_handlers.os, "write", lambda descriptor, data: whole(descriptor, data[:4]))
    write("one and a half")
    monkeypatch.setattr(audit_handlers.os, "write", whole)
    write("two")
    assert path.read_text() == "one \ntwo\n"


def test_a_pipe_that_nobody_reads_holds_nobody_up(
    path: Path, write: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    os.mkfifo(path)
    write("one")
    assert caplog.messages == [f"audit lines cannot be written to {path} and are lost: No such device or address"]


@pytest.fixture
def log_socket() -> Iterator[Path]:
    """Where syslog would listen."""
    with folder("syslog") as place:
        yield place / "log"


def test_syslog_gets_them_with_our_name(log_socket: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        syslog.bind(str(log_socket))
        handler = AuditSyslog(str(log_socket))
        handler.handle(record('{"what": "stop"}'))
        handler.close()
        assert syslog.recv(1000) == f'<86>remote-session[{os.getpid()}]: {{"what": "stop"}}'.encode()


def test_a_syslog_that_is_not_there_or_takes_nothing_holds_nobody_up(
    log_socket: Path, caplog: pytest.LogCaptureFixture
) -> None:
    handler = AuditSyslog(str(log_socket))
    handler.handle(record("nobody"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        syslog.bind(str(log_socket))
        for number in range(5000):
            handler.handle(record(str(number)))
            if len(caplog.messages) == 3:
                break
    handler.close()
    assert caplog.messages == [
        "audit lines cannot be written to syslog and are lost: No such file or directory",
        "audit lines are written to syslog again; 1 were lost",
        "audit lines cannot be written to syslog and are lost: Resource temporarily unavailable",
    ]


def test_syslog_is_named_so() -> None:
    handler = audit_handler("syslog")
    assert isinstance(handler, AuditSyslog)
    handler.close()
