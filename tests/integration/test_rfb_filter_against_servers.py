"""The clipboard is found in the streams of real VNC servers, whatever encoding their pictures have."""

from __future__ import annotations

import select
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from remote_service.rfb.encodings import Encoding
from remote_service.rfb.handshake import ServerLogin
from remote_service.rfb.pacer import Pacer
from remote_service.rfb.pixel_format import FormatInForce
from remote_service.rfb.policy import Policy
from remote_service.rfb.server_filter import ServerFilter
from remote_service.rfb.viewer_filter import ViewerFilter
from tests.integration.test_rfb_against_servers import SECONDS, Connect, ended, log_in, require, scratch, x_server

__all__ = ["scratch"]

WIDTH, HEIGHT = 320, 240
QUIET = 0.05
"""Seconds without a byte behind a whole message, after which a server has answered."""

TRUE_COLOUR = bytes.fromhex("20 18 00 01 00ff 00ff 00ff 10 08 00 000000")
HIGH_COLOUR = bytes.fromhex("10 10 00 01 001f 003f 001f 0b 05 00 000000")
LOW_COLOUR = bytes.fromhex("08 08 00 01 0007 0007 0003 00 03 06 000000")

QUALITY, COMPRESSION = -26, -254
BESIDE = (
    Encoding.COPY_RECT, Encoding.CURSOR, Encoding.X_CURSOR, Encoding.LAST_RECT, Encoding.DESKTOP_SIZE,
    Encoding.EXTENDED_DESKTOP_SIZE, Encoding.DESKTOP_NAME, Encoding.QEMU_KEY_EVENT, Encoding.QEMU_LED_STATE,
    Encoding.EXTENDED_CLIPBOARD, Encoding.XVP, COMPRESSION,
)  # fmt: skip
PIXELS_COUNT = [
    (Encoding.RAW,), (Encoding.RRE,), (Encoding.CORRE,), (Encoding.HEXTILE,), (Encoding.TIGHT,),
    (Encoding.ZRLE, Encoding.VMWARE_CURSOR),
]  # fmt: skip
PIXELS_DO_NOT = [
    (Encoding.ZLIB,), (Encoding.TIGHT, QUALITY), (Encoding.TIGHT_PNG,), (Encoding.ZRLE, Encoding.CURSOR_WITH_ALPHA),
]  # fmt: skip
CASES = [
    *((TRUE_COLOUR, encodings) for encodings in PIXELS_COUNT + PIXELS_DO_NOT),
    *((HIGH_COLOUR, encodings) for encodings in PIXELS_COUNT),
    *((LOW_COLOUR, encodings) for encodings in PIXELS_COUNT),
]
CLOSED = Policy(no_clipboard_out=True)
SECRET = b"\x03\0\0\0\0\0\0\x06secret"

Start = Callable[[Path], AbstractContextManager[Connect]]


@contextmanager
def drawn(display: str) -> Iterator[None]:
    """Has something on a display that every encoding finds something in, and that is another one at every look."""
    require("xterm")
    text = "seq 1 400; while :; do date +%s.%N; sleep 0.1; done"
    argv = ["xterm", "-display", display, "-geometry", "30x12+20+20", "-bg", "navy", "-fg", "gold", "-e", text]
    xterm = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
    with ended(xterm):
        subprocess.run(["xsetroot", "-display", display, "-mod", "5", "7", "-fg", "red"], check=True)
        yield
        assert xterm.poll() is None, "nothing drew any more"


@contextmanager
def tigervnc(scratch: Path) -> Iterator[Connect]:
    path = scratch / "vnc.sock"
    argv = ["Xtigervnc", "-geometry", f"{WIDTH}x{HEIGHT}", "-depth", "24", "-SecurityTypes", "None"]
    with x_server([*argv, "-rfbport", "-1", "-rfbunixpath", str(path)]) as display, drawn(display):

        def connect() -> socket.socket:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(SECONDS)
            connection.connect(str(path))
            return connection

        yield connect


@contextmanager
def x11vnc(scratch: Path) -> Iterator[Connect]:
    require("x11vnc")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    screen = ["Xvfb", "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp"]
    with x_server(screen) as display, drawn(display):
        argv = ["x11vnc", "-display", display, "-rfbport", str(port), "-localhost", "-forever", "-shared", "-nopw"]
        process = subprocess.Popen([*argv, "-noxrecord", "-quiet"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        with ended(process), process.stdout or pytest.fail("no pipe") as output:
            assert output.readline() == f"PORT={port}\n".encode()
            yield lambda: socket.create_connection(("127.0.0.1", port), timeout=SECONDS)


NO_TEXT = b"\x03" + bytes(7)
"""ServerCutText of an empty clipboard, which x11vnc sends when it likes."""


def all_that_comes(connection: socket.socket, server: ServerFilter) -> int:
    """Feeds what the server sends until it is quiet; returns how much came."""
    came, wait = 0, SECONDS
    while select.select([connection], [], [], wait)[0]:
        data = connection.recv(4000)
        assert data, "the server hung up"
        passed = server.feed(data)
        assert passed in (data, data.replace(NO_TEXT, b"", 1)), "nothing else is to be taken out"
        came += len(data)
        wait = QUIET if server.between_messages else SECONDS
    return came


def request(incremental: int) -> bytes:
    return struct.pack(">BBHHHH", 3, incremental, 0, 0, WIDTH, HEIGHT)


def followed(connection: socket.socket, pixels: bytes, encodings: tuple[int, ...]) -> None:
    """Has pictures made and checks that the place in the stream is known behind them."""
    login, format = ServerLogin(None), FormatInForce()
    log_in(connection, login)
    viewer = ViewerFilter(CLOSED, Pacer(lambda: 0.0, None), format)
    server = ServerFilter(CLOSED, format)
    server.feed(login.leftover)
    named = struct.pack(f">BxH{len(encodings)}i", 2, len(encodings), *encodings)

    connection.sendall(viewer.feed(b"\x01" + bytes(4) + pixels + named))
    for incremental in (0, 1, 0):
        connection.sendall(viewer.feed(request(incremental)))
        assert all_that_comes(connection, server), f"nothing came in {encodings}"

    assert server.between_messages, f"the place in the stream is lost in {encodings}"
    assert server.feed(SECRET) == b""


@pytest.mark.parametrize("start", [tigervnc, x11vnc])
def test_a_clipboard_behind_any_picture_is_found(start: Start, scratch: Path) -> None:
    with start(scratch) as connect:
        for pixels, encodings in CASES:
            with connect() as connection:
                followed(connection, pixels, encodings + BESIDE)
