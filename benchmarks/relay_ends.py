"""Both ends of a relayed stream: endpoints that do what a viewer's first message orders, and viewers.

Endpoints are served by a process of their own, so that what they cost is nobody else's; so are viewers that are only
a load beside the one that is measured.

    python -m benchmarks.relay_ends endpoint PORT
    python -m benchmarks.relay_ends crowd PORT VIEWERS SIZE RATE
"""

from __future__ import annotations

import base64
import os
import random
import selectors
import socket
import socketserver
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import NamedTuple

from benchmarks.product import PROJECT

PATTERN = random.Random(7).randbytes(1 << 20)
"""What bulk streams carry, again and again."""
POINTER_EVENT = struct.pack("!BBHH", 5, 0, 100, 200)
"""RFC 6143 section 7.5.5."""
REPLY = bytes(50)
PATIENCE = 60.0
_ORDER = struct.Struct("!BQI")
_GOODBYE = bytes((0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8))
"""A close frame with the code 1000."""
_BINARY, _PING = 0x82, 0x89  # the first byte of a whole frame (RFC 6455 section 5.2)


class Act(Enum):
    """What an endpoint does."""

    SOURCE = 1
    """Sends so many bytes."""
    SINK = 2
    """Takes so many bytes, then says so."""
    ECHO = 3
    """Answers each pointer event."""
    BEAT = 4
    """Sends pieces of so many bytes, so many times a second."""
    FLOOD = 5
    """Sends for ever."""
    SILENT = 6
    """Neither sends nor reads."""


class Order(NamedTuple):
    """A viewer's first message."""

    act: Act
    size: int = 0
    """Bytes."""
    rate: int = 0
    """A second."""

    def as_bytes(self) -> bytes:
        """As it is sent."""
        return _ORDER.pack(self.act.value, self.size, self.rate)


# ---- endpoints -----------------------------------------------------------------------------------------------


class _Endpoint(socketserver.BaseRequestHandler):
    """One connection, in a thread of its own."""

    def handle(self) -> None:
        try:
            act, size, rate = _ORDER.unpack(_exactly(self.request, _ORDER.size))
            self._act(Act(act), size, rate)
        except (ConnectionError, EOFError):
            return

    def _act(self, act: Act, size: int, rate: int) -> None:
        connection: socket.socket = self.request
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if act is Act.SOURCE:
            for at in range(0, size, len(PATTERN)):
                connection.sendall(PATTERN[: size - at])
        elif act is Act.SINK:
            while size > 0:
                size -= len(_some(connection))
            connection.sendall(REPLY)
        elif act is Act.ECHO:
            while _exactly(connection, len(POINTER_EVENT)):
                connection.sendall(REPLY)
        elif act is Act.BEAT:
            due = time.monotonic() + random.random() / rate
            while True:
                time.sleep(max(0.0, due - time.monotonic()))
                connection.sendall(PATTERN[:size])
                due += 1 / rate
        elif act is Act.FLOOD:
            while True:
                connection.sendall(PATTERN)
        while act is Act.SILENT:
            time.sleep(1)
        while connection.recv(1 << 16):
            pass


class _Endpoints(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(1 << 20)
    if not data:
        raise EOFError("the other end hung up")
    return data


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise EOFError("the other end hung up")
        data += more
    return data


@contextmanager
def _process(*arguments: str) -> Iterator[None]:
    command = [sys.executable, "-m", "benchmarks.relay_ends", *arguments]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            if process.stdout.readline() != "ready\n":
                raise RuntimeError(f"{' '.join(arguments)} did not start")
            yield
        finally:
            process.kill()


@contextmanager
def endpoints(port: int) -> Iterator[None]:
    """Serves endpoints at this port for the time of a block."""
    with _process("endpoint", str(port)):
        yield


@contextmanager
def crowd(port: int, viewers: int, size: int, rate: int) -> Iterator[None]:
    """Has so many viewers be sent so many pieces a second for the time of a block."""
    with _process("crowd", *map(str, (port, viewers, size, rate))):
        yield


# ---- viewers -------------------------------------------------------------------------------------------------


class Door(NamedTuple):
    """Where a websocket is asked for."""

    port: int
    path: str = "/websockify"
    headers: tuple[str, ...] = ()
    """More of them: a cookie, and the Origin without which it does not count."""


class Viewer:
    """A websocket by hand: what a library costs would be measured too. Its masks are zero, which is as much work."""

    def __init__(self, door: Door | int, order: Order | None = None) -> None:
        """Connects through the relay at this door or port, and orders."""
        port, path, headers = door if isinstance(door, Door) else Door(door)
        more = "".join(f"{header}\r\n" for header in headers)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{more}"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: binary\r\n\r\n".encode()
        )
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += _exactly(self.socket, 1)
        if b" 101 " not in answer.splitlines()[0]:
            raise RuntimeError(f"the relay at port {port} answered {answer.splitlines()[0]!r}; expected 101")
        if order is not None:
            self.send(order.as_bytes())

    def send(self, payload: bytes) -> None:
        """Sends one binary frame."""
        self.socket.sendall(framed(payload))

    def receive(self, size: int) -> None:
        """Takes so many bytes of payload, however they are framed."""
        buffer = bytearray()
        while size > 0:
            buffer += _some(self.socket)
            size -= _payload(buffer)

    def leave(self) -> None:
        """Says goodbye, and hangs up when that was answered."""
        self.socket.sendall(_GOODBYE)
        self.socket.recv(len(_GOODBYE))
        self.close()

    def close(self) -> None:
        """Hangs up."""
        self.socket.close()


def framed(payload: bytes) -> bytes:
    """A masked binary frame (RFC 6455 section 5.2)."""
    length = len(payload)
    if length < 126:
        head = struct.pack("!BB", _BINARY, 0x80 | length)
    elif length < 1 << 16:
        head = struct.pack("!BBH", _BINARY, 0x80 | 126, length)
    else:
        head = struct.pack("!BBQ", _BINARY, 0x80 | 127, length)
    return head + bytes(4) + payload


def _payload(buffer: bytearray) -> int:
    """Takes all whole frames out of the buffer; returns how many bytes of payload they had."""
    taken = at = 0
    while len(buffer) - at >= 2:
        length, head = buffer[at + 1], 2
        if length >= 126:
            head = 4 if length == 126 else 10
            if len(buffer) - at < head:
                break
            length = int.from_bytes(buffer[at + 2 : at + head], "big")
        if len(buffer) - at < head + length:
            break
        if buffer[at] & 0x0F < 3:  # data; a ping or pong has no bytes of the endpoint
            taken += length
        at += head + length
    del buffer[:at]
    return taken


def drain(viewers: list[Viewer], seconds: float) -> None:
    """Reads whatever comes for so many seconds, and looks at nothing."""
    until = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for viewer in viewers:
            selector.register(viewer.socket, selectors.EVENT_READ)
        while (left := until - time.monotonic()) > 0:
            for key, _events in selector.select(left):
                assert isinstance(key.fileobj, socket.socket)
                if not key.fileobj.recv(1 << 16):
                    raise RuntimeError("the relay cut a line")


def main(what: str, port: str, *more: str) -> None:
    """Serves endpoints, or plays a crowd, until it is killed."""
    if what == "endpoint":
        with _Endpoints(("127.0.0.1", int(port)), _Endpoint) as server:
            print("ready", flush=True)
            server.serve_forever()
    count, size, rate = map(int, more)
    viewers = [Viewer(int(port), Order(Act.BEAT, size, rate)) for _ in range(count)]
    print("ready", flush=True)
    drain(viewers, 86400.0)


if __name__ == "__main__":
    main(*sys.argv[1:])
