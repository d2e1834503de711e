"""The two ends of a relay, as its tests play them: a viewer's websocket, and an endpoint behind a fake transport."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from remote_service.relay.upstream import Upstream
from remote_service.rfb.auth import vncauth_response


class Viewer:
    """A websocket: what the viewer says is put in, and what it hears is in `heard`."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.heard: list[bytes] = []
        self.closed: tuple[int, str] | None = None
        self.accepted: str | bool | None = False
        self.refused = False
        self.gone = False
        """Sending to it fails, as it does with a line that was cut."""
        self.taken = 0
        self.listening = asyncio.Event()
        """It takes what is sent to it; without, its sender has to wait."""
        self.listening.set()

    # ---- ASGI -------------------------------------------------------------------------------------------

    async def receive(self) -> dict[str, Any]:
        message = await self.messages.get()
        self.taken += 1
        return message

    async def send(self, message: dict[str, Any]) -> None:
        await self.listening.wait()
        if self.gone:
            raise OSError("the line was cut")
        if message["type"] == "websocket.send":
            self.heard.append(message["bytes"])
        elif message["type"] == "websocket.accept":
            self.accepted = message["subprotocol"]
        elif self.accepted is False:
            self.refused = True
        else:
            self.closed = (message["code"], message["reason"])

    # ---- what it does -----------------------------------------------------------------------------------

    def says(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.messages.put_nowait({"type": "websocket.receive", "bytes": piece})

    def leaves(self, code: int | None) -> None:
        self.messages.put_nowait({"type": "websocket.disconnect", "code": code})

    @property
    def screen(self) -> bytes:
        """All that it heard."""
        return b"".join(self.heard)


class Transport(asyncio.Transport):
    """Remembers what is asked of it; `server` hears what is written."""

    def __init__(self, server: Callable[[bytes], None] | None = None) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.high: int | None = None
        self.waiting = 0
        """Bytes that were written and not taken."""
        self.reading = True
        self.aborted = False
        self.protocol: Any = None
        self._server = server

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.high = high

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))
        if self._server is not None:
            self._server(bytes(data))

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True

    def abort(self) -> None:
        self.aborted = True


class ViewerTransport(asyncio.Transport):
    """A viewer's TCP connection, which can close as well."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.keeps = False
        """It sends nothing for now, and keeps what it is given as it is; `send_kept` sends that."""
        self.kept: list[bytes | bytearray | memoryview] = []
        self.reading = True
        self.closing = False
        self.aborted = False
        self.ended = False
        self.protocol: asyncio.BaseProtocol | None = None

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def get_write_buffer_size(self) -> int:
        return sum(map(len, self.kept))

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.keeps:
            self.kept.append(data)
        else:
            self.written += data

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        for data in list_of_data:
            self.write(data)

    def send_kept(self) -> None:
        self.keeps = False
        self.written += b"".join(self.kept)
        self.kept.clear()

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = self.aborted = True


class Server:
    """An endpoint that says something at once, answers in steps, and keeps what comes after them."""

    def __init__(self, greeting: bytes, *answers: tuple[int, bytes]) -> None:
        """Prepares.

        Args:
            greeting: said at once.
            answers: how many bytes are waited for, and what is said then.
        """
        self.upstream = Upstream()
        self.transport = Transport(self._hear)
        self.transport.protocol = self.upstream
        self.heard = b""
        """What came, the steps' bytes included."""
        self._answers = list(answers)
        self._unanswered = 0
        self._greeting = greeting

    def connect(self) -> Upstream:
        self.upstream.connection_made(self.transport)
        self.says(self._greeting)
        return self.upstream

    def says(self, data: bytes) -> None:
        if data:
            self.transport.protocol.data_received(data)

    def hangs_up(self) -> None:
        self.transport.protocol.connection_lost(None)

    def _hear(self, data: bytes) -> None:
        self.heard += data
        self._unanswered += len(data)
        while self._answers and self._unanswered >= self._answers[0][0]:
            count, answer = self._answers.pop(0)
            self._unanswered -= count
            self.says(answer)


BANNER = b"RFB 003.008\n"
CHALLENGE = bytes(range(16))
OK = bytes(4)
PASSWORD = "secret12"
LOGGED_IN = BANNER + b"\x02" + vncauth_response(PASSWORD, CHALLENGE)
"""What a server with a password hears of a client that knows it, up to ClientInit."""


def server_with_password() -> Server:
    """RFB 3.8 with VNC Authentication; accepts whatever the answer to its challenge is."""
    return Server(BANNER, (12, b"\x01\x02"), (1, CHALLENGE), (16, OK))


def server_without_password() -> Server:
    """RFB 3.8 with the security type None."""
    return Server(BANNER, (12, b"\x01\x01"), (1, OK))


HANDSHAKE = (BANNER, b"\x01", b"\x01")
"""What a viewer says to a server without a password, ClientInit included."""
EMPTY_SCREEN = BANNER + b"\x01\x01" + OK
"""What it hears meanwhile."""
