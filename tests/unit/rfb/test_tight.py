"""The lengths of Tight rectangles that the samples do not show, and what is no Tight at all."""

from __future__ import annotations

import pytest

from remote_service.rfb.errors import Peer, RemoteProtocolError
from remote_service.rfb.layout import not_allowed
from remote_service.rfb.sieve import Walk
from remote_service.rfb.tight import read_tight, read_tight_png
from tests.unit.rfb.walks import taken

MORE = bytes(5 << 20)


def error(field: str, value: object, allowed: str) -> RemoteProtocolError:
    return not_allowed(Peer.VNC_SERVER, 16, field, value, allowed)


def tight(width: int = 4, height: int = 4, pixel: int | None = 3) -> Walk[None]:
    return read_tight(width, height, pixel, error)


@pytest.mark.parametrize(
    ("length", "counted"),
    [
        (b"\x00", 0), (b"\x7f", 127), (b"\x80\x01", 128), (b"\x90\x4e", 10000), (b"\xff\x7f", 16383),
        (b"\x80\x80\x01", 16384), (b"\xff\xff\xff", 4194303), (b"\x80\x00", 0),
    ],
)  # fmt: skip
def test_a_compact_length_has_one_to_three_bytes(length: bytes, counted: int) -> None:
    assert taken(tight(), b"\x90" + length + MORE) == 1 + len(length) + counted
    assert taken(read_tight_png(3, error), b"\xa0" + length + MORE) == 1 + len(length) + counted


@pytest.mark.parametrize(("width", "height", "sent"), [(0, 5, 0), (11, 1, 11), (1, 11, 11), (12, 1, 1 + 5), (3, 4, 6)])
def test_from_twelve_bytes_on_pixels_have_a_length(width: int, height: int, sent: int) -> None:
    assert taken(tight(width, height, 1), b"\x00\x05" + MORE) == 1 + sent


def refusal(walk: Walk[None], data: bytes) -> str:
    with pytest.raises(RemoteProtocolError) as caught:
        taken(walk, data + MORE)
    text = str(caught.value)
    return text[text.index(": ") + 2 : text.index(". Check")]


@pytest.mark.parametrize("control", [10, 11, 12, 13, 14, 15])
def test_no_other_compression_exists(control: int) -> None:
    assert refusal(tight(), bytes([control << 4])) == (
        f"Tight compression-control at byte 16 is {control}, expected 0 to 9 in its upper four bits"
    )


@pytest.mark.parametrize("control", [0, 7, 11, 15])
def test_png_knows_three_compressions(control: int) -> None:
    assert refusal(read_tight_png(3, error), bytes([control << 4])) == (
        f"Tight PNG compression-control at byte 16 is {control}, expected 8, 9 or 10 in its upper four bits"
    )


def test_no_other_filter_exists() -> None:
    assert refusal(tight(), b"\x40\x03") == (
        "Tight filter-id at byte 16 is 3, expected 0 (copy), 1 (palette) or 2 (gradient)"
    )


def test_it_is_no_wider_than_tight_allows() -> None:
    assert taken(tight(2048), b"\x00\x00" + MORE) == 2
    assert refusal(tight(2049), b"\x00") == "Tight width at byte 16 is 2049, expected at most 2048"


def test_a_pixel_of_unknown_size_is_not_guessed() -> None:
    sentence = (
        "pixel format of a Tight rectangle at byte 16 is ambiguous, "
        "expected a depth of 24 where colours have 8 bits each"
    )
    assert refusal(tight(pixel=None), b"\x80") == sentence
    assert refusal(read_tight_png(None, error), b"\x80") == sentence
