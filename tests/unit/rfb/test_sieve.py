"""A sieve passes what its parser does not take out, in any chunks, and copies nothing when it passes all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_service.rfb.buffer import Data
from remote_service.rfb.errors import Peer, RemoteProtocolError
from remote_service.rfb.sieve import NEXT_MESSAGE, Sieve, Walk, skip
from tests.unit.rfb.helpers import CHUNK_SIZES, cut


def letters(sieve: Sieve) -> Walk[None]:
    """A toy: `p` N passes N bytes, `t` N takes itself and N bytes out, `+` passes and puts `!` in behind it."""
    while True:
        kind = yield NEXT_MESSAGE
        if kind == b"p":
            yield from skip((yield 1)[0])
        elif kind == b"t":
            sieve.take_out(1)
            yield from skip((yield 1)[0])
            sieve.put_in(b"")
        elif kind == b"+":
            sieve.put_in(b"!")
        else:
            raise RemoteProtocolError(Peer.VIEWER, offset=sieve.offset - 1, field="kind", value=kind, allowed="p t +")


PIECES = [(b"p\0", b"p\0"), (b"p\x03abc", b"p\x03abc"), (b"t\0", b""), (b"t\x03abc", b""), (b"+", b"+!")]


@given(st.lists(st.sampled_from(PIECES), max_size=12), CHUNK_SIZES)
def test_what_is_taken_out_is_missing_and_all_else_is_there(
    pieces: list[tuple[bytes, bytes]], sizes: list[int]
) -> None:
    sieve = Sieve(letters)
    stream = b"".join(before for before, _ in pieces)

    assert b"".join(sieve.feed(chunk) for chunk in cut(stream, sizes)) == b"".join(after for _, after in pieces)
    assert sieve.offset == len(stream)


def _over_plus(data: Data, at: int) -> int:
    while at < len(data) and data[at] == ord("+"):
        at += 1
    return at


@given(st.lists(st.sampled_from(PIECES), max_size=12), CHUNK_SIZES)
def test_what_it_glides_over_the_parser_does_not_see(pieces: list[tuple[bytes, bytes]], sizes: list[int]) -> None:
    sieve = Sieve(letters, glide=_over_plus)
    stream = b"".join(before for before, _ in pieces)
    passing = [b"+" if before == b"+" else after for before, after in pieces]

    assert b"".join(sieve.feed(chunk) for chunk in cut(stream, sizes)) == b"".join(passing)


def test_a_chunk_that_passes_whole_is_the_same_object() -> None:
    sieve = Sieve(letters)

    for chunk in (b"p\x80ab", bytearray(100), memoryview(bytes(26) + b"p")):
        assert sieve.feed(chunk) is chunk


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview])
def test_it_takes_bytes_in_any_form(form: Callable[[bytes], bytes]) -> None:
    assert Sieve(letters).feed(form(b"p\x01at\x01ap\0")) == b"p\x01ap\0"


def test_what_is_taken_out_across_chunks_leaves_nothing_behind() -> None:
    sieve = Sieve(letters)

    assert [bytes(sieve.feed(chunk)) for chunk in (b"p\0t", b"\x04ab", b"c", b"dp", b"\0")] == [
        b"p\0", b"", b"", b"p", b"\0",
    ]  # fmt: skip


def test_an_empty_chunk_passes() -> None:
    assert Sieve(letters).feed(b"") == b""


def test_its_offsets_begin_where_it_is_told() -> None:
    sieve = Sieve(letters, offset=-1)
    sieve.feed(b"p\x01a")

    with pytest.raises(RemoteProtocolError, match="kind at byte 2 is b'x', expected p t"):
        sieve.feed(b"x")


def test_after_an_error_it_is_not_to_be_fed() -> None:
    sieve = Sieve(letters)
    with pytest.raises(RemoteProtocolError):
        sieve.feed(b"x")

    with pytest.raises(RuntimeError, match="called after the stream was lost"):
        sieve.feed(b"p")


def test_its_repr_tells_the_position_only() -> None:
    sieve = Sieve(letters)
    sieve.feed(b"p\x01at\x09secret")

    assert repr(sieve) == "<Sieve at byte 11, taking out>"


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_parser_may_look_ahead_and_go_on_behind_what_it_saw(size: int) -> None:
    seen = []

    def parser(sieve: Sieve) -> Walk[None]:
        while True:
            yield 1
            _chunk, at = sieve.ahead()
            assert at >= 1
            seen.append(sieve.offset)
            # Five more bytes pass, whether they are all there or not.
            yield from sieve.skip_to(at + 5)

    sieve, stream = Sieve(parser), bytes(range(30))
    assert b"".join(sieve.feed(stream[at : at + size]) for at in range(0, 30, size)) == stream
    assert seen == [1, 7, 13, 19, 25]
