"""Every rectangle against its byte literal, and every length in it against its bound."""

from __future__ import annotations

import pytest

from remote_service.rfb.errors import RemoteProtocolError
from remote_service.rfb.pixel_format import PixelFormat
from remote_service.rfb.rectangles import (
    MAX_BYTES,
    MAX_NAME,
    RECTANGLES,
    Rectangle,
    read_rectangle,
)
from tests.unit.rfb.server_samples import BODIES, TRUE_COLOUR
from tests.unit.rfb.walks import taken


@pytest.mark.parametrize(("name", "encoding", "width", "height", "body"), BODIES, ids=lambda value: str(value)[:40])
@pytest.mark.parametrize("size", [0, 1])
def test_a_rectangle_is_as_long_as_its_literal(
    name: str, encoding: int, width: int, height: int, body: bytes, size: int
) -> None:
    walk = read_rectangle(Rectangle(width, height, encoding, TRUE_COLOUR, 0))

    assert taken(walk, body + bytes(20), size=size) == len(body)


def test_every_encoding_has_a_sample() -> None:
    assert {encoding for _, encoding, *_ in BODIES} | {-224} == set(RECTANGLES)


@pytest.mark.parametrize(
    ("encoding", "body", "length"),
    [
        (0, b"", 16),
        (2, b"\0\0\0\x01", 4 + 2 + 2 + 8),
        (5, b"\x1e\0\0\0\0\x02", 1 + 4 + 1 + 2 * 4),
        (7, b"\x80", 3),
        (-239, b"", 16 + 2),
        (0x574D5664, b"\0\0", 2 + 32),
        (0x574D5664, b"\1\0", 2 + 32),
        (-314, b"\0\0\0\0", 4 + 32),
    ],
)
def test_pixels_have_the_size_of_the_format(encoding: int, body: bytes, length: int) -> None:
    walk = read_rectangle(Rectangle(4, 2, encoding, PixelFormat(2, 2), 0))

    assert taken(walk, body + bytes(100)) == length


def refusal(encoding: int, body: bytes = b"", *, width: int = 4, height: int = 2) -> str:
    with pytest.raises(RemoteProtocolError) as caught:
        taken(read_rectangle(Rectangle(width, height, encoding, TRUE_COLOUR, 100)), body + bytes(20))
    text = str(caught.value)
    return text[text.index(": ") + 2 : text.index(". Check")]


@pytest.mark.parametrize("encoding", [8, 9, 15, 21, -1, -32, -256, -312, -317, 0x574D5669])
def test_an_encoding_whose_length_cannot_be_told_is_refused(encoding: int) -> None:
    assert refusal(encoding).startswith(f"encoding-type at byte 96 is {encoding}, expected one of -316, -314, ")


@pytest.mark.parametrize("encoding", [0, 1, 2, 5, 7, 16, 50])
def test_a_rectangle_has_no_more_pixels_than_any_screen(encoding: int) -> None:
    assert refusal(encoding, width=65535, height=4097) == (
        "rectangle size at byte 92 is 65535x4097, expected at most 268435456 pixels"
    )


@pytest.mark.parametrize("encoding", [2, 4])
def test_there_are_no_more_subrectangles_than_pixels(encoding: int) -> None:
    assert refusal(encoding, b"\0\0\0\x09") == (
        "number-of-subrectangles at byte 100 is 9, expected at most 8, its pixels"
    )


@pytest.mark.parametrize(
    ("encoding", "field", "most"),
    [(6, "zlib length", MAX_BYTES), (16, "ZRLE length", MAX_BYTES), (50, "H.264 length", MAX_BYTES),
     (-307, "name-length", MAX_NAME)],
)  # fmt: skip
def test_counted_bytes_are_bounded(encoding: int, field: str, most: int) -> None:
    assert refusal(encoding, (most + 1).to_bytes(4, "big")) == (
        f"{field} at byte 100 is {most + 1}, expected at most {most} bytes"
    )


@pytest.mark.parametrize("encoding", [-239, -240, -314, 0x574D5664])
def test_cursors_are_small(encoding: int) -> None:
    assert refusal(encoding, width=1025) == "cursor size at byte 92 is 1025x2, expected at most 1024x1024"


def test_a_cursor_is_of_a_known_kind() -> None:
    assert refusal(0x574D5664, b"\x02\0") == "cursor-type at byte 100 is 2, expected 0 (classic) or 1 (alpha)"
    assert refusal(-314, b"\0\0\0\x07") == (
        "encoding of a cursor with alpha at byte 100 is 7, expected one of 0, 6, 16"
    )
    assert refusal(-314, b"\0\0\0\x10\xff\xff\xff\xff").startswith("ZRLE length at byte 104 is 4294967295")
