"""A session's log: what is written, what is masked, what is left out."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remote_service.hosting.session_log import CAP, MASK, SessionLog

SECRET = "pa55word"


class Written:
    """A log and its file."""

    def __init__(self, path: Path, cap: int) -> None:
        self.path = path
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        self.log = SessionLog(self.descriptor, cap)

    @property
    def text(self) -> bytes:
        return self.path.read_bytes()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Written]]:
    made: list[Written] = []

    def one(cap: int = CAP) -> Written:
        made.append(Written(tmp_path / f"{len(made)}.log", cap))
        return made[-1]

    yield one
    for written in made:
        os.close(written.descriptor)


def test_what_is_written_stands_in_the_file_at_once(make: Callable[..., Written]) -> None:
    written = make()
    written.log.write(b"one\n")
    written.log.write(b"two\n")
    assert written.text == b"one\ntwo\n"


def test_a_line_of_ours_is_told_from_the_script_s(make: Callable[..., Written]) -> None:
    written = make()
    written.log.keep_secret(SECRET)
    written.log.write(b"half a line that ends in pa")
    written.log.line("of ours \udc80 pa55word")
    assert written.text == b"half a line that ends in pa-- of ours ? ********\n"


def test_a_log_that_is_there_already_is_continued(make: Callable[..., Written]) -> None:
    first = make()
    first.log.write(b"before\n")
    again = SessionLog(first.descriptor)
    again.write(b"after\n")
    assert first.text == b"before\nafter\n"


# ---- secrets --------------------------------------------------------------------------------------------


def test_secrets_are_masked_from_the_moment_at_which_they_are_known(make: Callable[..., Written]) -> None:
    written = make()
    written.log.write(b"pa55word ")
    written.log.keep_secret(SECRET)
    written.log.write(b"pa55word pa55wordpa55word")
    assert written.text == b"pa55word " + MASK + b" " + MASK * 2


def test_a_longer_secret_goes_before_one_that_it_contains(make: Callable[..., Written]) -> None:
    written = make()
    for secret in ("pa55", "pa55word", "pa55"):
        written.log.keep_secret(secret)
    written.log.write(b"pa55word pa55.\n")
    assert written.text == b"******** ********.\n"
    assert written.log.masked("pa55word and pa55") == "******** and ********"


def test_a_text_of_few_characters_is_no_secret(make: Callable[..., Written]) -> None:
    written = make()
    for secret in ("", "abc"):
        written.log.keep_secret(secret)
    written.log.write(b"abc abc")
    assert written.text == b"abc abc"


def test_a_secret_of_half_characters_is_kept_like_any_other(make: Callable[..., Written]) -> None:
    written = make()
    written.log.keep_secret("\udc80half")
    assert written.log.masked("is \udc80half") == "is ********"


@pytest.mark.parametrize("cut", range(1, len(SECRET)))
def test_a_secret_is_found_across_two_writes(make: Callable[..., Written], cut: int) -> None:
    written = make()
    written.log.keep_secret(SECRET)
    written.log.write(b"is " + SECRET[:cut].encode())
    assert written.text == b"is "
    written.log.write(SECRET[cut:].encode() + b".")
    assert written.text == b"is ********."


def test_what_was_held_back_and_is_no_secret_is_written_in_the_end(make: Callable[..., Written]) -> None:
    written = make()
    written.log.keep_secret(SECRET)
    written.log.write(b"pa55w")
    assert written.text == b""
    written.log.flush()
    assert written.text == b"pa55w"


@given(
    st.lists(st.text("abc", min_size=4, max_size=9), max_size=3),
    st.lists(st.text("abcd", max_size=12), max_size=12),
)
@settings(deadline=None)
def test_no_secret_is_in_the_file_however_the_output_is_cut(secrets: list[str], pieces: list[str]) -> None:
    # In memory: hypothesis asks for this a hundred times.
    descriptor = os.memfd_create("log", os.MFD_CLOEXEC)
    try:
        log = SessionLog(descriptor)
        for secret in secrets:
            log.keep_secret(secret)
        for piece in pieces:
            log.write(piece.encode())
        log.flush()
        text = os.pread(descriptor, 10_000, 0).decode()
        assert not [secret for secret in secrets if secret in text]
        if not any(secret in "".join(pieces) for secret in secrets):
            assert text == "".join(pieces)
    finally:
        os.close(descriptor)


# ---- the cap --------------------------------------------------------------------------------------------


def test_head_and_tail_are_kept_and_the_middle_is_counted(make: Callable[..., Written]) -> None:
    written = make(cap=4000)
    lines = [f"line {number:04}\n".encode() for number in range(2000)]
    for line in lines:
        written.log.write(line)
    text = written.text
    assert len(text) <= 4000
    assert text.startswith(b"".join(lines)[:2000])
    assert text.endswith(b"".join(lines)[-1000:])
    head, _, tail = text.partition(b"\n-- ")
    note, _, tail = tail.partition(b" --\n")
    left_out = int(note.split()[0])
    assert note == f"{left_out} bytes were left out here: the log may have 4000".encode()
    assert len(head) + left_out + len(tail) == 2000 * 10


@given(st.lists(st.binary(max_size=9000), max_size=12), st.integers(1000, 4000))
@settings(deadline=None)
def test_the_file_never_grows_over_its_cap(pieces: list[bytes], cap: int) -> None:
    descriptor = os.memfd_create("log", os.MFD_CLOEXEC)
    try:
        log = SessionLog(descriptor, cap)
        for piece in pieces:
            log.write(piece)
            assert os.fstat(descriptor).st_size <= cap
        everything = b"".join(pieces)
        text = os.pread(descriptor, cap, 0)
        assert text.startswith(everything[: cap // 2])
        assert text == everything or len(everything) > cap - cap // 8
        assert text.endswith(everything[-cap // 8 :])
    finally:
        os.close(descriptor)


def test_what_cannot_be_written_is_lost_and_told_later(
    make: Callable[..., Written], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk ends no session."""
    written = make()
    written.log.write(b"before\n")

    def full(*_arguments: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        written.log.write(b"12345")
        written.log.line("678")
        assert written.log.trouble == "No space left on device"
    written.log.write(b"after\n")
    assert written.text == b"before\n\n-- 12 bytes were lost here: No space left on device --\nafter\n"
    assert written.log.trouble == ""
