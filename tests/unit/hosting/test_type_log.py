"""Tests of a type's log: a pipe whose other end is a capped file."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import pytest

from remote_service.hosting.session_log import SessionLog
from remote_service.hosting.type_log import TypeLog
from tests.waiting import eventually_async


async def test_what_is_printed_stands_in_the_file_behind_what_stood_there(tmp_path: Path) -> None:
    path = tmp_path / "desk.log"
    path.write_text("before\n")
    log = TypeLog(path)
    os.write(log.writer, b"loading\n")
    await eventually_async(lambda: path.read_text() == "before\nloading\n")
    os.write(log.writer, b"last words\n")
    log.close()
    log.close()
    os.close(log.writer)
    assert path.read_text() == "before\nloading\nlast words\n"


async def test_it_is_readable_for_its_owner_only(tmp_path: Path) -> None:
    log = TypeLog(tmp_path / "desk.log")
    assert (tmp_path / "desk.log").stat().st_mode & 0o777 == 0o600
    os.close(log.writer)
    log.close()


async def test_a_flood_fills_no_disk(tmp_path: Path) -> None:
    path = tmp_path / "desk.log"
    log = TypeLog(path, cap=4096)
    for _ in range(20):
        os.write(log.writer, b"x" * 4000)
        await asyncio.sleep(0)
    os.write(log.writer, b"the end")
    os.close(log.writer)
    await eventually_async(lambda: path.read_bytes().endswith(b"the end"))
    assert path.stat().st_size <= 4096
    assert b"bytes were left out here" in path.read_bytes()


async def test_it_closes_itself_when_nobody_can_write_any_more(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    log = TypeLog(tmp_path / "desk.log")
    os.close(log.writer)
    await eventually_async(lambda: len(os.listdir("/proc/self/fd")) == before)


async def test_on_a_full_disk_what_is_printed_is_lost_and_the_pipe_is_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[bytes] = []

    def full(_self: SessionLog, data: bytes) -> None:
        tried.append(data)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(SessionLog, "write", full)
    log = TypeLog(tmp_path / "desk.log")
    os.write(log.writer, b"one")
    await eventually_async(lambda: tried == [b"one"])
    os.write(log.writer, b"two")
    os.close(log.writer)
    await eventually_async(lambda: tried[:2] == [b"one", b"two"])


async def test_a_file_that_cannot_be_opened_raises(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    with pytest.raises(NotADirectoryError):
        TypeLog(tmp_path / "a file" / "desk.log")
