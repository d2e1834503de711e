"""RFB messages, bytes to objects and back, whole and in pieces."""

from __future__ import annotations

import struct

import pytest
from test_pattern_picture import Rect
from test_pattern_protocol import (
    MAX_CUT_TEXT,
    NATIVE,
    CutText,
    Key,
    Message,
    PixelFormat,
    Pointer,
    ProtocolError,
    SetDesktopSize,
    SetEncodings,
    UpdateRequest,
    colour_map,
    extended_desktop_size,
    next_message,
    rectangle_header,
    refusal,
    server_init,
    update_header,
)

RGB565 = PixelFormat(16, False, True, (31, 63, 31), (11, 5, 0))
PACKED_565 = bytes([16, 16, 0, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0, 0, 0, 0])
SCREEN = struct.pack("!IHHHHI", 0, 0, 0, 1024, 768, 0)
KNOWN: list[tuple[bytes, Message | None]] = [
    (b"\0\0\0\0" + PACKED_565, RGB565),
    (b"\2\0\0\2" + struct.pack("!ii", 0, -308), SetEncodings((0, -308))),
    (b"\2\0\0\0", SetEncodings(())),
    (b"\3\1\0\1\0\2\0\3\0\4", UpdateRequest(True, Rect(1, 2, 3, 4))),
    (b"\3\0\0\0\0\0\4\0\3\0", UpdateRequest(False, Rect(0, 0, 1024, 768))),
    (b"\4\1\0\0\0\0\xff\x0d", Key(True, 0xFF0D)),
    (b"\4\0\0\0\1\0\x20\xac", Key(False, 0x010020AC)),
    (b"\5\5\0\x0a\0\x14", Pointer(5, 10, 20)),
    (b"\6\0\0\0\0\0\0\5h\xe9llo", CutText("héllo")),
    (b"\6\0\0\0\0\0\0\0", CutText("")),
    (b"\xfb\0\4\0\3\0\1\0" + SCREEN, SetDesktopSize(1024, 768)),
    (b"\xfb\0\4\0\3\0\0\0", SetDesktopSize(1024, 768)),
    # Extensions that were not announced: their bytes are taken, and nothing comes of them.
    (b"\x96\1\0\0\0\0\4\0\3\0", None),
    (b"\xf8\0\0\0\x80\0\0\0\3abc", None),
    (b"\xfa\0\1\2", None),
    (b"\xff\0\0\1\0\0\0\x61\0\0\0\x1e", None),
    (b"\xff\1\0\0", None),
    (b"\xff\1\0\2\0\2\0\0\xac\x44", None),
]


@pytest.mark.parametrize(("data", "message"), KNOWN)
def test_a_message_is_read_with_its_length(data: bytes, message: Message | None) -> None:
    assert next_message(data) == (message, len(data))


@pytest.mark.parametrize(("data", "message"), KNOWN)
def test_what_comes_behind_a_message_is_left_alone(data: bytes, message: Message | None) -> None:
    assert next_message(bytearray(data + b"\xee" * 30)) == (message, len(data))


@pytest.mark.parametrize(("data", "message"), [pair for pair in KNOWN if pair[1] is not None])
def test_an_incomplete_message_waits_for_more(data: bytes, message: Message) -> None:
    assert [next_message(data[:end]) for end in range(len(data))] == [None] * len(data)


def test_a_long_clipboard_text_is_cut_and_the_rest_skipped() -> None:
    length = 1_000_000
    data = b"\6\0\0\0" + struct.pack("!I", length) + b"x" * MAX_CUT_TEXT
    assert next_message(data[:-1]) is None
    assert next_message(data) == (CutText("x" * MAX_CUT_TEXT), 8 + length)


def test_an_extended_clipboard_message_is_skipped() -> None:
    assert next_message(b"\6\0\0\0" + struct.pack("!i", -20)) == (None, 28)


def test_an_unknown_message_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(ProtocolError) as caught:
        next_message(b"\x47ET / HTTP/1.1")
    assert str(caught.value) == (
        "the viewer sent a message of type 71; expected one of [0, 2, 3, 4, 5, 6, 150, 248, 250, 251, 255]"
    )


def test_a_desktop_of_many_screens_is_an_error() -> None:
    with pytest.raises(ProtocolError) as caught:
        next_message(b"\xfb\0\4\0\3\0\x11\0")
    assert str(caught.value) == "the viewer asked for 17 screens; expected at most 16"


@pytest.mark.parametrize("bits", [0, 1, 24, 64])
def test_pixels_of_odd_sizes_are_an_error(bits: int) -> None:
    with pytest.raises(ProtocolError) as caught:
        PixelFormat.parse(bytes([bits]) + PACKED_565[1:])
    assert str(caught.value) == f"the viewer asked for {bits} bits per pixel; expected 8, 16 or 32"


def test_colours_that_do_not_fit_into_a_pixel_are_an_error() -> None:
    with pytest.raises(ProtocolError) as caught:
        PixelFormat.parse(bytes([8]) + PACKED_565[1:])
    assert str(caught.value) == "the viewer asked for colours up to (31, 63, 31) at (11, 5, 0) in 8 bits"


@pytest.mark.parametrize("pixel_format", [NATIVE, RGB565, PixelFormat(8, False, True, (7, 7, 3), (0, 3, 6))])
def test_a_pixel_format_is_the_same_after_its_way_over_the_wire(pixel_format: PixelFormat) -> None:
    assert PixelFormat.parse(pixel_format.pack()) == pixel_format


def test_the_native_format_says_24_bits_in_32() -> None:
    assert NATIVE.pack() == bytes([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0])


@pytest.mark.parametrize(
    ("pixel_format", "colour", "data"),
    [
        (NATIVE, (1, 2, 3), b"\3\2\1\0"),
        (PixelFormat(32, True, True, (255, 255, 255), (16, 8, 0)), (1, 2, 3), b"\0\1\2\3"),
        (RGB565, (255, 0, 0), b"\0\xf8"),
        (RGB565, (255, 255, 255), b"\xff\xff"),
        (PixelFormat(16, True, True, (31, 63, 31), (11, 5, 0)), (0, 255, 0), b"\7\xe0"),
        (PixelFormat(8, False, True, (7, 7, 3), (0, 3, 6)), (0, 0, 255), b"\xc0"),
        (PixelFormat(8, False, True, (7, 7, 3), (0, 3, 6)), (128, 0, 0), b"\4"),
        (PixelFormat(8, False, True, (0, 255, 0), (0, 0, 0)), (9, 200, 9), b"\xc8"),
    ],
)
def test_a_colour_becomes_a_pixel(pixel_format: PixelFormat, colour: tuple[int, int, int], data: bytes) -> None:
    assert pixel_format.pixel(colour) == data


def test_without_true_colour_pixels_are_indices_into_our_map() -> None:
    no_true_colour = PixelFormat.parse(bytes([8, 8, 0, 0]) + bytes(12))
    entries = colour_map()
    assert entries[:6] == b"\1\0\0\0\1\0"
    assert len(entries) == 6 + 256 * 6
    for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)):
        (index,) = no_true_colour.pixel(colour)
        red, green, blue = struct.unpack_from("!HHH", entries, 6 + 6 * index)
        assert (red >> 8, green >> 8, blue >> 8) == colour


def test_what_the_server_says_is_as_the_rfc_has_it() -> None:
    assert server_init(800, 600, "Tést") == b"\3\x20\2\x58" + NATIVE.pack() + b"\0\0\0\5T\xc3\xa9st"
    assert refusal("full") == b"\0\0\0\0\4full"
    assert update_header(2) == b"\0\0\0\2"
    assert rectangle_header(Rect(1, 2, 3, 4), -223) == b"\0\1\0\2\0\3\0\4\xff\xff\xff\x21"


def test_an_extended_size_names_reason_status_and_one_screen() -> None:
    assert extended_desktop_size(1024, 768, 1, 3) == (
        b"\0\1\0\3\4\0\3\0" + struct.pack("!i", -308) + b"\1\0\0\0" + SCREEN
    )
