"""A viewer's side of a websocket in integration tests: bytes as a stream, handshakes, and how it was closed."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.integration.live import LiveServer

BANNER = b"RFB 003.008\n"
TIMEOUT = 15.0


class Screen(NamedTuple):
    """What a VNC server says of its screen."""

    width: int
    height: int
    name: str


class Stream:
    """The bytes of binary messages, however they were cut into messages."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket
        self._unread = b""

    async def read(self, count: int) -> bytes:
        """Exactly so many bytes."""
        chunks, missing = [self._unread], count - len(self._unread)
        while missing > 0:
            message = await asyncio.wait_for(self.websocket.recv(), TIMEOUT)
            assert isinstance(message, bytes)
            chunks.append(message)
            missing -= len(message)
        data = b"".join(chunks)
        self._unread = data[count:]
        return data[:count]

    async def send(self, data: bytes) -> None:
        """One message."""
        await self.websocket.send(data)

    async def log_in(self, *, shared: bool = True) -> Screen:
        """Shakes hands with a server that asks for no password (RFC 6143, sections 7.1 to 7.3)."""
        assert await self.read(12) == BANNER
        await self.send(BANNER)
        assert await self.read(2) == b"\x01\x01", "the security type None is offered, and no other"
        await self.send(b"\x01")
        assert await self.read(4) == bytes(4)
        await self.send(bytes([shared]))
        width, height, length = struct.unpack("!HH16xI", await self.read(24))
        return Screen(width, height, (await self.read(length)).decode())

    async def picture(self, screen: Screen) -> bytes:
        """All pixels of a screen, raw, four bytes each."""
        await self.send(struct.pack("!BBHHHH", 3, 0, 0, 0, screen.width, screen.height))
        pixels = bytearray(screen.width * screen.height * 4)
        missing = screen.width * screen.height
        while missing:
            kind, count = struct.unpack("!BxH", await self.read(4))
            assert kind == 0, "a FramebufferUpdate"
            for _ in range(count):
                x, y, width, height, encoding = struct.unpack("!HHHHi", await self.read(12))
                assert encoding == 0, "raw"
                data = await self.read(width * height * 4)
                for row in range(height):
                    at = ((y + row) * screen.width + x) * 4
                    pixels[at : at + width * 4] = data[row * width * 4 : (row + 1) * width * 4]
                missing -= width * height
        return bytes(pixels)


def cut(websocket: ClientConnection) -> None:
    """Ends the line without a goodbye, as a closed laptop lid does."""
    websocket.transport.abort()


async def closed(websocket: ClientConnection) -> tuple[int, str]:
    """Waits until the server closes it, and returns its code and reason."""
    try:
        async with asyncio.timeout(TIMEOUT):
            while True:
                await websocket.recv()
    except ConnectionClosed as end:
        assert end.rcvd is not None, "the line was cut instead"
        return end.rcvd.code, end.rcvd.reason


async def refusal(asked: connect) -> int:
    """The HTTP status of an upgrade that is refused."""
    try:
        async with asked:
            raise AssertionError("the websocket was accepted")
    except InvalidStatus as refused:
        return refused.response.status_code


@asynccontextmanager
async def reserved(live: LiveServer, type_name: str, **options: str) -> AsyncIterator[str]:
    """A slot for as long as the block lasts; gives its token."""
    token = (await asyncio.to_thread(live.reserve, type_name, **options)).token
    try:
        yield token
    finally:
        assert await asyncio.to_thread(live.rest, f"/v1/release/{token}") == (200, {"released": True})


@asynccontextmanager
async def launched(live: LiveServer, name: str, type_name: str, **fields: str) -> AsyncIterator[str]:
    """A user's session for as long as the block lasts; gives its id."""
    session = await asyncio.to_thread(live.launch, name, type_name, **fields)
    try:
        yield session
    finally:
        await asyncio.to_thread(live.stop_session, "manager", session)
