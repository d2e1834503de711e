"""The smallest client: fed with what a server sends, whole and byte by byte."""

from __future__ import annotations

import struct

import pytest

from remote_service.rfb.errors import RemoteProtocolError
from remote_service.rfb.screenshot import ScreenshotClient

RED, BLUE = b"\xff\0\0\0", b"\0\0\xff\0"


def server_init(width: int = 2, height: int = 1, name: bytes = b"desk") -> bytes:
    return struct.pack(">HH16xI", width, height, len(name)) + name


def update(*rectangles: tuple[int, int, int, int, bytes], encoding: int = 0) -> bytes:
    body = b"".join(struct.pack(">HHHHi", *rectangle[:4], encoding) + rectangle[4] for rectangle in rectangles)
    return struct.pack(">BxH", 0, len(rectangles)) + body


WHOLE = update((0, 0, 2, 1, RED + BLUE))


def test_it_asks_for_a_shared_screen_then_for_all_of_it_as_raw_pixels() -> None:
    client = ScreenshotClient()
    assert client.to_send() == b"\x01"
    client.receive(server_init())
    sent = client.to_send()
    assert sent[:1] == b"\0" and len(sent) == 20 + 8 + 10
    assert sent[20:28] == struct.pack(">BxHi", 2, 1, 0)
    assert sent[28:] == struct.pack(">BBHHHH", 3, 0, 0, 0, 2, 1)


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_it_makes_a_picture_however_the_bytes_are_cut(step: int) -> None:
    client = ScreenshotClient()
    stream = server_init() + WHOLE
    for at in range(0, len(stream), step):
        client.receive(stream[at : at + step])
    assert client.screenshot is not None
    assert (client.screenshot.name, client.screenshot.width, client.screenshot.height) == ("desk", 2, 1)
    assert client.screenshot.pixels == RED + BLUE
    assert not client.screenshot.blank


def test_a_picture_of_one_colour_is_blank() -> None:
    client = ScreenshotClient()
    client.receive(server_init() + update((0, 0, 2, 1, RED + RED)))
    assert client.screenshot is not None and client.screenshot.blank


def test_a_picture_may_come_in_several_rectangles_and_updates() -> None:
    client = ScreenshotClient()
    client.receive(server_init() + update((1, 0, 1, 1, BLUE)))
    assert client.screenshot is None
    client.receive(update((0, 0, 1, 1, RED)))
    assert client.screenshot is not None and client.screenshot.pixels == RED + BLUE


def test_bells_cut_texts_and_colour_maps_are_passed_over() -> None:
    client = ScreenshotClient()
    colours = struct.pack(">BxHH", 1, 0, 2) + bytes(12)
    text = struct.pack(">B3xI", 3, 5000) + bytes(5000)
    client.receive(server_init() + b"\x02" + text + colours + WHOLE)
    assert client.screenshot is not None


def test_changes_are_drawn_over_the_picture_before() -> None:
    client = ScreenshotClient()
    client.receive(server_init() + WHOLE)
    client.to_send()
    client.ask_for_changes()
    assert client.screenshot is None
    assert client.to_send() == struct.pack(">BBHHHH", 3, 1, 0, 0, 2, 1)
    client.receive(update((1, 0, 1, 1, RED)))
    assert client.screenshot is not None and client.screenshot.pixels == RED + RED


@pytest.mark.parametrize(
    ("stream", "what"),
    [
        (server_init(0, 5), "framebuffer size at byte 0 is 0x5, expected 1 to 67108864 pixels"),
        (server_init(65535, 65535), "framebuffer size at byte 0 is 65535x65535, expected 1 to 67108864 pixels"),
        (struct.pack(">HH16xI", 2, 1, 5000), "name-length at byte 20 is 5000, expected at most 4096"),
        (server_init() + b"\x07", "message-type at byte 28 is 7, expected 0 to 3"),
        (
            server_init() + update((0, 0, 3, 1, b"")),
            "rectangle at byte 32 is encoding 0 at 0,0 of 3x1, expected encoding 0 inside 2x1",
        ),
        (
            server_init() + update((0, 0, 2, 1, b""), encoding=7),
            "rectangle at byte 32 is encoding 7 at 0,0 of 2x1, expected encoding 0 inside 2x1",
        ),
    ],
)
def test_what_is_no_rfb_is_refused_by_name(stream: bytes, what: str) -> None:
    client = ScreenshotClient()
    with pytest.raises(RemoteProtocolError) as caught:
        client.receive(stream)
    assert str(caught.value) == (
        f"The VNC server does not speak RFB as expected: {what}. Check that the session's endpoint is a VNC server."
    )
