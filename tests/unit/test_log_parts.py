"""Tests of following a log: nothing is told twice, nothing is missed, no line is cut in two."""

from __future__ import annotations

import logging
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from remote_service import conf
from remote_service.log_parts import FIRST_LINES, LogPart, follow, read_part
from remote_service.session_logs import TAIL_BYTES, log_path

SESSION = uuid.UUID("0b9c2f4e-0000-4000-8000-000000000002")


@pytest.fixture(autouse=True)
def log(tmp_path: Path, settings: Settings) -> Path:
    """Where the log of SESSION would be; it is not there yet."""
    settings.REMOTE_SERVICE = replace(conf.current(), state_dir=tmp_path)
    path = log_path(SESSION)
    path.parent.mkdir(parents=True)
    return path


def test_without_a_log_there_is_nothing_and_one_begins_at_its_beginning(log: Path) -> None:
    assert read_part(SESSION) == LogPart("", 0, skipped=False)
    log.write_text("first\n")
    assert read_part(SESSION, 0) == LogPart("first\n", 6, skipped=False)


def test_a_part_begins_where_the_one_before_ended(log: Path) -> None:
    log.write_text("one\ntwo\n")
    first = read_part(SESSION)
    assert first == LogPart("one\ntwo\n", 8, skipped=False)
    assert read_part(SESSION, first.next) == LogPart("", 8, skipped=False)
    with log.open("a") as file:
        file.write("three\n")
    assert read_part(SESSION, first.next) == LogPart("three\n", 14, skipped=False)


def test_an_unfinished_line_waits_for_its_end_or_for_that_of_the_session(log: Path) -> None:
    log.write_bytes(b"done\n\x1b[3")
    first = read_part(SESSION)
    assert first == LogPart("done\n", 5, skipped=False)
    assert read_part(SESSION, 5, finished=True).next == 8
    with log.open("ab") as file:
        file.write(b"1mred\x1b[0m\n")
    assert read_part(SESSION, first.next).text == "red\n"


def test_the_first_part_has_the_last_lines(log: Path) -> None:
    log.write_text("".join(f"{number}\n" for number in range(FIRST_LINES + 2)))
    part = read_part(SESSION)
    assert part.text.startswith("2\n3\n")
    assert (part.skipped, part.next) == (True, log.stat().st_size)


def test_what_is_too_much_for_one_part_is_left_out_up_to_a_line(log: Path) -> None:
    log.write_text("begin\n")
    with log.open("a") as file:
        file.write("x" * 99 + "\n" + "".join(f"{number:09}\n" for number in range(TAIL_BYTES // 10)))
    part = read_part(SESSION, 6)
    assert part.skipped
    assert part.text.splitlines()[-1] == f"{TAIL_BYTES // 10 - 1:09}"
    assert all(len(line) == 9 for line in part.text.splitlines())


def test_a_line_longer_than_a_part_is_not_waited_for(log: Path) -> None:
    log.write_text("x" * (TAIL_BYTES + 1))
    part = read_part(SESSION, 0)
    assert (part.text, part.skipped, part.next) == ("x" * TAIL_BYTES, True, TAIL_BYTES + 1)


@pytest.mark.parametrize("after", [7, 1000, -1])
def test_a_place_that_the_log_does_not_have_counts_as_none(log: Path, after: int) -> None:
    log.write_text("short\n")
    assert read_part(SESSION, after) == LogPart("short\n", 6, skipped=False)


def test_one_that_cannot_be_read_is_logged_and_asked_for_again(log: Path, caplog: pytest.LogCaptureFixture) -> None:
    log.mkdir()
    with caplog.at_level(logging.WARNING):
        assert read_part(SESSION, 12) == LogPart("", 12, skipped=False)
    assert caplog.messages == [
        f"session {SESSION}: its log cannot be read: [Errno 21] Is a directory: '{log_path(SESSION)}'"
    ]


@given(st.lists(st.binary(max_size=40), max_size=12))
def test_however_it_is_written_the_parts_make_the_whole(pieces: list[bytes]) -> None:
    path = log_path(SESSION)
    path.write_bytes(b"")
    told, at = "", 0
    for piece in pieces:
        with path.open("ab") as file:
            file.write(piece.replace(b"\r", b"").replace(b"\x1b", b""))
        part = read_part(SESSION, at)
        told, at = told + part.text, part.next
    last = read_part(SESSION, at, finished=True)
    assert last.next == path.stat().st_size
    assert told + last.text == _cleaned(path.read_bytes())


def _cleaned(data: bytes) -> str:
    from remote_service.session_logs import clean

    return "".join(clean(line.decode(errors="replace")) for line in data.splitlines(keepends=True))


def test_a_log_is_followed_from_its_last_lines_to_the_end_of_its_session(log: Path) -> None:
    log.write_text("one\ntwo\n")
    writes = iter(["three\nfour", "", " is whole\n", "unfinished"])

    def wait() -> None:
        with log.open("a") as file:
            file.write(next(writes))

    looks = iter([False] * 4 + [True])
    parts = list(follow(SESSION, lambda: next(looks), wait, first_lines=1))
    assert [part.text for part in parts] == ["two\n", "three\n", "four is whole\n", "unfinished"]
    assert [part.skipped for part in parts] == [True, False, False, False]


def test_of_a_log_of_a_session_that_is_over_there_is_one_part(log: Path) -> None:
    log.write_text("one\ntwo\n" * 600)
    assert [len(part.text) for part in follow(SESSION, lambda: True, lambda: None, first_lines=2000)] == [4800]
    assert list(follow(SESSION, lambda: True, lambda: None, first_lines=0, most_bytes=1)) == [
        LogPart("", 4800, skipped=True)
    ]
