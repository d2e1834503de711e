"""How long a VNC server takes from connection to banner to the first whole frame, over a socket or a websocket.

A viewer of RFB 3.8 without authentication that asks for raw pixels (RFC 6143, sections 7.1 to 7.6 and 7.7.1), so
that decoding costs nothing and both ways carry the same bytes.
"""

from __future__ import annotations

import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from websockets.sync.client import ClientConnection

_CHUNK = 1 << 20


class Stream(Protocol):
    """Bytes in order, both ways."""

    def send(self, data: bytes) -> None:
        """Sends all of it."""

    def receive(self) -> bytes:
        """What comes next; empty at the end."""


class SocketStream:
    """A stream over a connected socket."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    def send(self, data: bytes) -> None:
        """Sends all of it."""
        self._socket.sendall(data)

    def receive(self) -> bytes:
        """What comes next; empty at the end."""
        return self._socket.recv(_CHUNK)


class WebSocketStream:
    """A stream over a websocket's binary messages."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    def send(self, data: bytes) -> None:
        """Sends one message."""
        self._connection.send(data)

    def receive(self) -> bytes:
        """The next message."""
        message = self._connection.recv()
        return message if isinstance(message, bytes) else message.encode()


@dataclass(frozen=True, slots=True)
class Seen:
    """When things came, in seconds of the monotonic clock, and how large the screen is."""

    banner: float
    frame: float
    width: int
    height: int


def watch(stream: Stream) -> Seen:
    """Shakes hands and takes in updates until every pixel has come once.

    Raises:
        ConnectionError: the server hung up before.
        ValueError: it sent what this viewer did not ask for.
    """
    reader = _Reader(stream)
    if not reader.take(12).startswith(b"RFB "):
        raise ValueError("no RFB banner came")
    banner = time.monotonic()
    stream.send(b"RFB 003.008\n")
    types = reader.take(reader.take(1)[0])
    if 1 not in types:
        raise ValueError(f"the server offers the security types {list(types)}; expected 1 (None) among them")
    stream.send(b"\1")
    if reader.take(4) != b"\0\0\0\0":
        raise ValueError("the server refused the viewer")
    stream.send(b"\1")
    width, height = struct.unpack("!HH", reader.take(4))
    bytes_per_pixel = reader.take(16)[0] // 8
    reader.take(struct.unpack("!I", reader.take(4))[0])
    stream.send(struct.pack("!BxHi", 2, 1, 0) + struct.pack("!BBHHHH", 3, 0, 0, 0, width, height))
    missing = width * height
    while missing > 0:
        missing -= _take_update(reader, bytes_per_pixel)
    return Seen(banner, time.monotonic(), width, height)


def _take_update(reader: _Reader, bytes_per_pixel: int) -> int:
    """Takes one message; returns how many pixels it brought."""
    kind = reader.take(1)[0]
    if kind == 2:
        return 0
    if kind != 0:
        raise ValueError(f"the server sent a message of type {kind}; expected an update (0) or a bell (2)")
    pixels = 0
    for _ in range(struct.unpack("!xH", reader.take(3))[0]):
        _x, _y, width, height, encoding = struct.unpack("!HHHHi", reader.take(12))
        if encoding != 0:
            raise ValueError(f"the server sent encoding {encoding}; expected raw (0), the only one asked for")
        reader.skip(width * height * bytes_per_pixel)
        pixels += width * height
    return pixels


def connect_when_there(path: Path, deadline: float) -> socket.socket:
    """Connects to a Unix socket as soon as somebody listens at it; looks every millisecond.

    Raises:
        TimeoutError: nobody did before the deadline (monotonic seconds).
    """
    while time.monotonic() < deadline:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            time.sleep(0.001)
        else:
            return connection
    raise TimeoutError(f"nothing listened at {path} in time")


class _Reader:
    """Exact reads from a stream."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._held = bytearray()

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        while len(self._held) < count:
            self._held += self._more()
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken

    def skip(self, count: int) -> None:
        """Throws the next `count` bytes away without keeping them."""
        held = min(count, len(self._held))
        del self._held[:held]
        count -= held
        while count > 0:
            data = self._more()
            self._held += data[count:]
            count -= len(data)

    def _more(self) -> bytes:
        data = self._stream.receive()
        if not data:
            raise ConnectionError("the server hung up")
        return data
