"""The reader gives exact sizes out of any chunks, and waits for no more than its cap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_service.rfb.buffer import ExactReader, Steps
from remote_service.rfb.errors import Peer, RemoteProtocolError
from tests.unit.rfb.helpers import CHUNK_SIZES, cut, finish


def make(cap: int = 16) -> ExactReader:
    return ExactReader(Peer.VNC_SERVER, cap=cap)


def test_it_yields_while_bytes_are_missing_and_then_returns_exactly_those_wanted() -> None:
    reader = make()
    steps = reader.read_exact(4, "four")

    next(steps)
    reader.feed(b"ab")
    next(steps)
    reader.feed(b"cdef")

    assert finish(steps) == b"abcd"
    assert reader.offset == 4
    assert len(reader) == 2


def test_it_reads_nothing_without_waiting() -> None:
    assert finish(make().read_exact(0, "nothing")) == b""


def test_it_reads_big_endian_unsigned_integers() -> None:
    reader = make()
    reader.feed(b"\xff\x01\x00\x00\x00\x02")

    assert finish(reader.read_uint(1, "byte")) == 255
    assert finish(reader.read_uint(1, "byte")) == 1
    assert finish(reader.read_uint(4, "word")) == 2


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview])
def test_it_takes_bytes_in_any_form(form: type) -> None:
    reader = make()
    reader.feed(form(b"abc"))

    assert finish(reader.read_exact(3, "three")) == b"abc"


def test_it_refuses_a_length_above_its_cap_before_waiting_for_any_of_it() -> None:
    reader = make(cap=16)
    reader.feed(b"1234")
    finish(reader.read_exact(4, "first"))

    with pytest.raises(RemoteProtocolError) as caught:
        next(reader.read_exact(17, "reason-string"))

    assert str(caught.value) == (
        "The VNC server does not speak RFB as expected: the length of reason-string at byte 4 is 17, "
        "expected at most 16 bytes. Check that the session's endpoint is a VNC server."
    )


def test_it_accepts_a_length_of_its_cap() -> None:
    reader = make(cap=16)
    reader.feed(b"x" * 16)

    assert finish(reader.read_exact(16, "all")) == b"x" * 16


def test_peeking_reads_nothing() -> None:
    reader = make()
    reader.feed(b"abc")

    assert reader.peek(2) == b"ab"
    assert reader.peek(9) == b"abc"
    assert (len(reader), reader.offset) == (3, 0)


def test_the_rest_is_everything_unread() -> None:
    reader = make()
    reader.feed(b"abcdef")
    finish(reader.read_exact(2, "two"))

    assert reader.take_rest() == b"cdef"
    assert reader.take_rest() == b""
    assert (len(reader), reader.offset) == (0, 6)


def test_it_remembers_what_it_waits_for() -> None:
    reader = make()
    assert reader.waiting_for == "the first byte"

    next(reader.read_exact(1, "challenge"))

    assert reader.waiting_for == "challenge"


def test_an_error_can_point_back_to_a_field_that_was_read() -> None:
    reader = make()
    reader.feed(b"\0\0\0\x09")
    finish(reader.read_uint(4, "status"))

    assert reader.error("status", 9, "0", back=4).offset == 0


def test_its_repr_does_not_show_the_bytes() -> None:
    reader = make()
    reader.feed(b"secret12")

    assert repr(reader) == "<ExactReader of the VNC server at byte 0, 8 unread>"


@given(st.lists(st.binary(max_size=16), max_size=8), CHUNK_SIZES)
def test_what_it_gives_does_not_depend_on_the_chunks(fields: list[bytes], sizes: list[int]) -> None:
    reader = make()

    def read_all() -> Steps[list[bytes]]:
        found = []
        for field in fields:
            found.append((yield from reader.read_exact(len(field), "field")))
        return found

    steps = read_all()
    for chunk in cut(b"".join(fields), sizes):
        reader.feed(chunk)
        try:
            next(steps)
        except StopIteration as end:
            assert end.value == fields
            break
    else:
        assert finish(steps) == fields
    assert reader.offset + len(reader) <= sum(map(len, fields))
