"""What a real VNC server sends a viewer of a desktop on which much happens, in one encoding after the other."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.first_frame import SocketStream, connect_when_there
from benchmarks.programs import PROGRAMS
from benchmarks.vnc_server import PATIENCE, argv, installed
from remote_service.rfb.encodings import Encoding
from remote_service.rfb.pixel_format import FormatInForce
from remote_service.rfb.policy import Policy
from remote_service.rfb.server_filter import ServerFilter

SIZE = (1280, 800)
WINDOWS = {"text": "100x30+0+0", "colours": "100x24+300+380"}
"""What is painted in each, and where."""
QUALITY_6 = -26
"""With this pseudo-encoding Tight's many colours become JPEG (rfbproto)."""
ENCODINGS: dict[str, Sequence[int]] = {
    "raw": (Encoding.RAW,),
    "ZRLE": (Encoding.ZRLE, Encoding.COPY_RECT),
    "Tight": (Encoding.TIGHT, Encoding.COPY_RECT),
    "Tight with JPEG": (Encoding.TIGHT, Encoding.COPY_RECT, QUALITY_6),
}
MOST = 16 * 1024 * 1024
"""Bytes of one encoding."""
_HANDSHAKE = (b"RFB 003.008\n", b"\1", b"\1")
"""What a viewer answers to the banner, to the security types, and to the result (RFC 6143 section 7.1 to 7.3.1)."""


class Recording(NamedTuple):
    """Whole messages of the server."""

    init: bytes
    """ServerInit."""
    updates: dict[str, bytes]
    """By the names of `ENCODINGS`."""


def record(seconds: float) -> Recording:
    """Looks at such a desktop for so long in each encoding."""
    init, updates = b"", {}
    with _desktop() as path:
        for name, encodings in ENCODINGS.items():
            init, updates[name] = _watched(path, encodings, seconds)
    return Recording(init, updates)


@contextmanager
def _desktop() -> Iterator[Path]:
    """Gives the socket of its VNC server."""
    installed("Xtigervnc", "tigervnc-standalone-server")
    installed("xterm", "xterm")
    with tempfile.TemporaryDirectory(prefix="rsg-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        (folder / "xauthority").write_bytes(b"")
        command = argv(folder, "{}x{}".format(*SIZE))
        server = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
        stack.callback(server.terminate)
        assert server.stdout is not None
        display = f":{server.stdout.readline().decode().strip()}"
        for what, geometry in WINDOWS.items():
            window = stack.enter_context(
                subprocess.Popen(
                    ["xterm", "-geometry", geometry, "-e", sys.executable, str(PROGRAMS / "painting.py"), what],
                    env={**os.environ, "DISPLAY": display, "LC_ALL": "C.UTF-8"},
                    stderr=subprocess.DEVNULL,
                )
            )
            stack.callback(window.terminate)
        yield folder / "vnc.sock"


def _watched(path: Path, encodings: Sequence[int], seconds: float) -> tuple[bytes, bytes]:
    """ServerInit, and whole messages behind it, the first picture left out."""
    with connect_when_there(path, time.monotonic() + PATIENCE) as connection:
        stream = SocketStream(connection)
        for answer, asked in zip(_HANDSHAKE, (12, 2, 4), strict=True):
            _said(stream, asked)
            stream.send(answer)
        init = _said(stream, 24)
        init += _said(stream, 24 + int.from_bytes(init[20:24], "big") - len(init))
        follower = ServerFilter(Policy(), FormatInForce())
        follower.feed(init)
        stream.send(struct.pack(f"!BxH{len(encodings)}i", 2, len(encodings), *encodings))
        _update(stream, follower, incremental=False)
        updates, until = b"", time.monotonic() + seconds
        while not updates or (time.monotonic() < until and len(updates) < MOST):
            updates += _update(stream, follower, incremental=True)
    return init, updates


def _said(stream: SocketStream, size: int) -> bytes:
    """What the server says before it waits for an answer: at least so many bytes."""
    data = b""
    while len(data) < size:
        data += _some(stream)
    return data


def _update(stream: SocketStream, follower: ServerFilter, *, incremental: bool) -> bytes:
    stream.send(struct.pack("!BBHHHH", 3, incremental, 0, 0, *SIZE))
    data = b""
    while not data or not follower.between_messages:
        part = _some(stream)
        follower.feed(part)
        data += part
    return data


def _some(stream: SocketStream) -> bytes:
    data = stream.receive()
    if not data:
        raise ConnectionError("the VNC server hung up")
    return data
