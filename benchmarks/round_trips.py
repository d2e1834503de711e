"""Viewers by hand that ask 6 bytes and are answered 50 by `programs/echo.py`: a library would be measured too."""

from __future__ import annotations

import base64
import os
import socket
import time
from collections.abc import Sequence

from benchmarks.product import Product

ASKED, ANSWERED = b"pointr", 50
PACE = 0.002
PATIENCE = 60.0
_CLOSE, _PING = b"\x88", b"\x89"  # the first byte of such a frame (RFC 6455 section 5.2)


class Line:
    """Plain TCP to such a program, with nothing in between."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def round_trip(self) -> float:
        """Milliseconds."""
        began = time.perf_counter()
        self._ask()
        return (time.perf_counter() - began) * 1000

    def round_trips(self, seconds: float) -> list[float]:
        """One every 2 ms."""
        found, until = [], time.monotonic() + seconds
        while time.monotonic() < until:
            found.append(self.round_trip())
            time.sleep(PACE)
        return found

    def close(self) -> None:
        """Leaves, without a goodbye."""
        self._socket.close()

    def _ask(self) -> None:
        self._socket.sendall(ASKED)
        left = ANSWERED
        while left:
            left -= len(self._heard(left))

    def _heard(self, most: int) -> bytes:
        heard = self._socket.recv(most)
        if not heard or heard[:1] == _CLOSE:
            raise RuntimeError(f"the viewer's line was cut: {heard!r}")
        return heard


class Viewer(Line):
    """A websocket to a session of the product."""

    def __init__(self, product: Product, session_type: str) -> None:
        path = product.reserve(session_type)["websocket"]
        super().__init__(product.port)
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{product.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._socket.recv(4096)
        if b" 101 " not in answer.splitlines()[0]:
            raise RuntimeError(f"the viewer was refused: {answer!r}")
        self.round_trip()

    def _ask(self) -> None:
        self._socket.sendall(b"\x82\x86\0\0\0\0" + ASKED)  # one masked binary frame
        left = 2 + ANSWERED
        while left:
            heard = self._heard(left)
            if heard[:1] == _PING and left == 2 + ANSWERED:  # one of four bytes came first
                heard = heard[6:]
            left -= len(heard)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of all lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
