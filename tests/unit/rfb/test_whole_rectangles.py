"""Where a rectangle is said to end at once, it ends for the parser that reads it a field at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_service.rfb.errors import RemoteProtocolError
from remote_service.rfb.pixel_format import PixelFormat
from remote_service.rfb.rectangles import Rectangle, read_rectangle
from remote_service.rfb.whole_rectangles import LONGEST_BEGIN, pass_over
from tests.unit.rfb.server_samples import BODIES, TRUE_COLOUR, rectangle

FORMATS = [TRUE_COLOUR, PixelFormat(4, 4), PixelFormat(4, None), PixelFormat(2, 2), PixelFormat(1, 1)]
HEADER = 12
FREQUENT = {0, 1, 6, 7, 16}
SIDES = st.sampled_from([0, 1, 2, 3, 9, 64, 2048, 2049, 65535])
BEGINS = st.builds(
    bytes.__add__,
    st.sampled_from([b"", b"\x80", b"\x90", b"\x10", b"\x50\1\1", b"\x50\1\2", b"\x40\0", b"\x70\2", b"\x60\3"]),
    st.binary(),
)


def end_of(walk_of: Rectangle, body: bytes) -> int | None:
    """Where the parser finds the end; None when it refuses the rectangle."""
    at = 0
    try:
        walk = read_rectangle(walk_of)
        wanted = next(walk)
        while True:
            field = body[at : at + wanted] if wanted > 0 else b""
            at += abs(wanted)
            wanted = walk.send(field)
    except StopIteration:
        return at
    except RemoteProtocolError:
        return None


@given(st.sampled_from([*sorted(FREQUENT), 2, 5, -239]), SIDES, SIDES, st.sampled_from(FORMATS), BEGINS)
def test_it_ends_where_the_parser_says_or_is_left_to_it(
    encoding: int, width: int, height: int, format: PixelFormat, begin: bytes
) -> None:
    body = begin + bytes(1000)

    at, passed = pass_over(rectangle(encoding, body, width, height), 0, 1, format)

    if passed:
        assert at - HEADER == end_of(Rectangle(width, height, encoding, format, 0), body)
    else:
        assert at == 0


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview])
def test_all_that_are_frequent_are_passed_over_up_to_the_count(form: type) -> None:
    frequent = [body for body in BODIES if body[1] in FREQUENT]
    data = b"".join(rectangle(encoding, body, width, height) for _, encoding, width, height, body in frequent)
    chunk = form(data + bytes(HEADER + LONGEST_BEGIN))

    assert pass_over(chunk, 0, len(frequent), TRUE_COLOUR) == (len(data), len(frequent))
    assert pass_over(chunk, 0, 1, TRUE_COLOUR) == (HEADER + len(frequent[0][4]), 1)


def test_one_whose_begin_is_not_all_there_is_left_to_the_parser() -> None:
    data = rectangle(1, bytes(4)) + rectangle(0, bytes(HEADER), 4, 2)
    assert pass_over(data, 0, 2, TRUE_COLOUR) == (HEADER + 4 + HEADER + 32, 2)
    assert pass_over(data[:-1], 0, 2, TRUE_COLOUR) == (HEADER + 4, 1)


def test_a_palette_that_reaches_behind_the_chunk_is_left_to_the_parser() -> None:
    data = rectangle(7, b"\x40\x01\xff" + bytes(100))
    assert pass_over(data, 0, 1, TRUE_COLOUR) == (0, 0)
