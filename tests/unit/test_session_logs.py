"""Tests of reading sessions' logs: what is left of hostile text, and how much is shown."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from remote_service import conf, session_logs
from remote_service.session_logs import clean, log_path, tail, whole

SESSION = uuid.UUID("0b9c2f4e-0000-4000-8000-000000000001")


@pytest.fixture(autouse=True)
def log(tmp_path: Path, settings: Settings) -> Path:
    """Where the log of SESSION would be; it is not there yet."""
    settings.REMOTE_SERVICE = replace(conf.current(), state_dir=tmp_path)
    path = log_path(SESSION)
    path.parent.mkdir(parents=True)
    return path


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("plain text, é € 你好\tand tabs\n", "plain text, é € 你好\tand tabs\n"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[Hcleared", "cleared"),
        ("\x1b]0;a window title\x07after", "after"),
        ("\x1b]52;c;c3RvbGVu\x1b\\clipboard", "clipboard"),
        ("\x1bP1$r0m\x1b\\device string", "device string"),
        ("\x1b]0;never ended\nnext line", "\nnext line"),
        ("\x9b31mred in one byte\x9b0m", "red in one byte"),
        ("\x1b(Bcharset \x1b7saved\x1bc", "charset saved"),
        ("bell\x07 back\x08space nul\x00 delete\x7f", "bell backspace nul delete"),
        ("10 %\r20 %\r30 %\ndone", "30 %\ndone"),
        ("dos\r\nlines\r\n", "dos\nlines\n"),
        ("ends with a return\r", "ends with a return"),
        ("exe.\u202efdp turned", "exe.fdp turned"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("broken \x1b", "broken "),
        ("broken \x1b[12;", "broken "),
    ],
)
def test_it_leaves_only_what_is_harmless(hostile: str, harmless: str) -> None:
    assert clean(hostile) == harmless


@given(st.text(alphabet=st.one_of(st.sampled_from("\x1b[]P\\\x07\x9b\r\n;0m"), st.characters())))
def test_no_control_character_is_left_of_any_text(text: str) -> None:
    left = clean(text)
    assert [character for character in left if character < " " and character not in "\n\t"] == []
    assert [character for character in left if "\x7f" <= character <= "\x9f"] == []


def test_a_session_without_a_log_has_an_empty_tail() -> None:
    assert tail(SESSION) == ""
    assert whole(SESSION) is None


def test_a_log_that_cannot_be_read_counts_as_none_and_is_told(log: Path, caplog: pytest.LogCaptureFixture) -> None:
    log.mkdir()
    assert tail(SESSION) == ""
    assert whole(SESSION) is None
    warning = f"session {SESSION}: its log cannot be read: [Errno 21] Is a directory: '{log}'"
    assert [record.getMessage() for record in caplog.records] == [warning, warning]


def test_the_tail_is_the_last_lines(log: Path) -> None:
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    assert tail(SESSION, lines=3) == "line 97\nline 98\nline 99"
    assert tail(SESSION).split("\n")[0] == "line 60"


def test_the_tail_leaves_out_a_line_of_which_it_read_only_a_part(log: Path) -> None:
    log.write_text("first line\nsecond line\nthird line\n")
    assert tail(SESSION, max_bytes=20) == "third line"


def test_the_tail_of_one_endless_line_is_its_end(log: Path) -> None:
    log.write_text("x" * 1000 + "the end")
    assert tail(SESSION, max_bytes=10) == "xxxthe end"


def test_bytes_that_are_no_utf8_are_shown_as_such(log: Path) -> None:
    log.write_bytes(b"caf\xe9\n")
    assert tail(SESSION) == "caf\ufffd"


def test_the_whole_log_is_cleaned_as_well(log: Path) -> None:
    log.write_text("\x1b[31mred\x1b[0m\nplain\n")
    assert whole(SESSION) == "red\nplain\n"


def test_a_log_above_the_cap_is_read_from_its_end(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_logs, "MOST_BYTES", 4)
    log.write_text("the beginning and the end")
    assert whole(SESSION) == " end"
