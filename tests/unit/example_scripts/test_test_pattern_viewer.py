"""One viewer over a socket pair: all it says is there before the server looks, and it hangs up behind it."""

from __future__ import annotations

import socket
import struct

import pytest
from test_pattern_board import Board
from test_pattern_picture import Colour, Rect, paint, sprites
from test_pattern_protocol import NATIVE, PixelFormat, ProtocolError, server_init
from test_pattern_viewer import HungUpError, Viewer

WIDTH, HEIGHT = 64, 48
HELLO = b"RFB 003.008\n" + b"\1" + b"\1"
ANSWER = b"RFB 003.008\n" + b"\1\1" + b"\0\0\0\0" + server_init(WIDTH, HEIGHT, "Test #0")
ALL = b"\3\0\0\0\0\0" + struct.pack("!HH", WIDTH, HEIGHT)
CHANGES = b"\3\1" + ALL[2:]


@pytest.fixture
def board() -> Board:
    return Board("Test #0", WIDTH, HEIGHT, clock=lambda: 0.0)


def said(board: Board, data: bytes, error: type[Exception] = HungUpError, message: str = "") -> bytes:
    """What the server says to a viewer that says `data`; it must end with `error`."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        ours.sendall(data)
        ours.shutdown(socket.SHUT_WR)
        with pytest.raises(error) as caught:
            Viewer(theirs, board).serve("Test #0")
        assert str(caught.value) == message
        theirs.close()
        return b"".join(iter(lambda: ours.recv(65536), b""))


def frame(board: Board, pixels: PixelFormat = NATIVE) -> bytes:
    """An update with the whole screen."""
    scene = board.scene()

    def pixel(colour: Colour) -> bytes:
        return pixels.pixel(colour)

    header = struct.pack("!BxHHHHHi", 0, 1, 0, 0, WIDTH, HEIGHT, 0)
    return header + paint(scene, sprites(scene), Rect(0, 0, WIDTH, HEIGHT), pixel)


def encodings(*numbers: int) -> bytes:
    return struct.pack(f"!BxH{len(numbers)}i", 2, len(numbers), *numbers)


def desktop_size(width: int, height: int) -> bytes:
    return struct.pack("!BxHHBxIHHHHI", 251, width, height, 1, 0, 0, 0, width, height, 0)


def size_news(reason: int, status: int, width: int, height: int) -> bytes:
    screen = struct.pack("!B3xIHHHHI", 1, 0, 0, 0, width, height, 0)
    return b"\0\0\0\1" + struct.pack("!HHHHi", reason, status, width, height, -308) + screen


@pytest.mark.parametrize("version", ["003.008", "003.889", "004.001", "005.000"])
def test_a_viewer_of_today_is_let_in(board: Board, version: str) -> None:
    assert said(board, f"RFB {version}\n".encode() + b"\1\1") == ANSWER


def test_a_viewer_of_version_7_gets_no_security_result(board: Board) -> None:
    assert said(board, b"RFB 003.007\n\1\0") == ANSWER.replace(b"\1\1\0\0\0\0", b"\1\1", 1)


@pytest.mark.parametrize("version", ["003.003", "003.005"])
def test_a_viewer_of_version_3_is_told_that_there_is_no_security(board: Board, version: str) -> None:
    assert said(board, f"RFB {version}\n".encode() + b"\0") == ANSWER.replace(b"\1\1\0\0\0\0", b"\0\0\0\1", 1)


def test_what_does_not_speak_rfb_is_dropped(board: Board) -> None:
    expected = "the viewer began with b'GET / HTTP/1'; expected 'RFB 003.008' and a newline"
    assert said(board, b"GET / HTTP/1.1\r\n", ProtocolError, expected) == b"RFB 003.008\n"


def test_a_security_type_that_was_not_offered_is_refused(board: Board) -> None:
    expected = "the viewer chose security type 2; expected 1, None"
    assert said(board, b"RFB 003.008\n\2", ProtocolError, expected) == b"RFB 003.008\n\1\1"


def test_a_viewer_may_leave_in_the_middle_of_the_handshake(board: Board) -> None:
    assert said(board, b"RFB 0") == b"RFB 003.008\n"


def test_the_first_frame_is_the_whole_picture(board: Board) -> None:
    assert said(board, HELLO + encodings(0) + ALL) == ANSWER + frame(board)


def test_what_changed_since_nothing_was_sent_is_the_whole_picture_too(board: Board) -> None:
    assert said(board, HELLO + CHANGES) == ANSWER + frame(board)


@pytest.mark.parametrize(
    "pixels",
    [
        PixelFormat(32, True, True, (255, 255, 255), (0, 8, 16)),
        PixelFormat(16, False, True, (31, 63, 31), (11, 5, 0)),
        PixelFormat(8, False, True, (7, 7, 3), (0, 3, 6)),
    ],
)
def test_pixels_come_as_the_viewer_wants_them(board: Board, pixels: PixelFormat) -> None:
    assert said(board, HELLO + b"\0\0\0\0" + pixels.pack() + ALL) == ANSWER + frame(board, pixels)


def test_a_viewer_without_true_colour_gets_a_colour_map_first(board: Board) -> None:
    answer = said(board, HELLO + b"\0\0\0\0" + bytes([8, 8, 0, 0]) + bytes(12) + ALL)[len(ANSWER) :]
    assert answer[:6] == b"\1\0\0\0\1\0"
    assert answer[6 + 256 * 6 :] == frame(board, PixelFormat(8, False, True, (7, 7, 3), (0, 3, 6)))


def test_a_part_of_the_screen_is_cut_to_what_there_is(board: Board) -> None:
    request = b"\3\0" + struct.pack("!HHHH", 60, 40, 100, 100)
    answer = said(board, HELLO + request)[len(ANSWER) :]
    assert struct.unpack_from("!BxHHHHHi", answer) == (0, 1, 60, 40, 4, 8, 0)
    assert len(answer) == 16 + 4 * 8 * 4


def test_a_request_outside_the_screen_gets_no_answer(board: Board) -> None:
    assert said(board, HELLO + b"\3\0" + struct.pack("!HHHH", 64, 0, 10, 10)) == ANSWER


def test_all_that_a_viewer_does_is_on_the_board(board: Board) -> None:
    said(
        board,
        HELLO + b"\4\1\0\0\0\0\0a" + b"\5\1\0\5\0\6" + b"\6\0\0\0\0\0\0\2hi" + b"\xfa\0\1\2",
    )
    scene = board.scene()
    assert (scene.typed, scene.pointer, scene.note) == ("a", (5, 6), "Clipboard: hi")


def test_a_long_clipboard_text_is_skipped_to_its_end(board: Board) -> None:
    text = b"x" * 100_000
    said(board, HELLO + b"\6\0\0\0" + struct.pack("!I", len(text)) + text + b"\4\1\0\0\0\0\0a")
    assert board.scene().typed == "a"


def test_garbage_drops_the_viewer(board: Board) -> None:
    expected = "the viewer sent a message of type 9; expected one of [0, 2, 3, 4, 5, 6, 150, 248, 250, 251, 255]"
    assert said(board, HELLO + b"\x09", ProtocolError, expected) == ANSWER


def test_a_viewer_that_can_resize_is_told_the_size_before_the_first_pixels(board: Board) -> None:
    assert said(board, HELLO + encodings(0, -308) + ALL) == ANSWER + size_news(0, 0, WIDTH, HEIGHT)


def test_a_viewer_gets_the_size_that_it_asks_for(board: Board) -> None:
    answer = said(board, HELLO + encodings(0, -308) + desktop_size(80, 60) + ALL)
    assert answer == ANSWER + size_news(1, 0, 80, 60)
    assert (board.scene().width, board.scene().height) == (80, 60)


@pytest.mark.parametrize(("width", "height"), [(15, 60), (80, 4097), (0, 0), (65535, 65535)])
def test_a_size_out_of_bounds_is_refused(board: Board, width: int, height: int) -> None:
    answer = said(board, HELLO + encodings(0, -308) + desktop_size(width, height) + ALL)
    assert answer == ANSWER + size_news(1, 3, WIDTH, HEIGHT)


def test_a_viewer_that_only_knows_new_sizes_is_told_in_the_old_way(board: Board) -> None:
    answer = said(board, HELLO + encodings(0, -223) + desktop_size(80, 60) + ALL)
    assert answer == ANSWER + struct.pack("!BxHHHHHi", 0, 1, 0, 0, 80, 60, -223)


def test_a_viewer_that_knows_no_new_sizes_sees_the_part_that_fits(board: Board) -> None:
    answer = said(board, HELLO + encodings(0) + desktop_size(80, 30) + ALL)[len(ANSWER) :]
    assert struct.unpack_from("!BxHHHHHi", answer) == (0, 1, 0, 0, WIDTH, 30, 0)
