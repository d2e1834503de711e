"""What a client needs of HTTP, websockets and RFB, in an event loop."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any, NamedTuple
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect

from tests.crash.site import CrashSite

HTTP_PATIENCE = 15.0
OPEN_PATIENCE = 30.0
"""Seconds that a session may take to start."""


class Refused(RuntimeError):
    """The site answered, and said no; `status` is HTTP's."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status} {text[:200]}")
        self.status = status


class Slot(NamedTuple):
    """What a reservation gave."""

    token: str
    type_name: str
    index: int


async def get(site: CrashSite, path: str) -> Any:
    """Calls the stand-alone REST.

    Raises:
        Refused: it said no.
        OSError: nobody answers.
    """
    async with asyncio.timeout(HTTP_PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        try:
            head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {site.secret}\r\n"
            writer.write(f"{head}Connection: close\r\n\r\n".encode())
            answer = await reader.read()
        finally:
            writer.close()
    head_bytes, _, body = answer.partition(b"\r\n\r\n")
    parts = head_bytes.split(None, 2)
    if len(parts) < 2 or not body:
        raise ConnectionResetError("the answer was cut off")
    if parts[1] != b"200":
        raise Refused(int(parts[1]), body.decode(errors="replace"))
    try:
        return json.loads(body)
    except json.JSONDecodeError:
        raise ConnectionResetError("the answer was cut off") from None


async def reserve(site: CrashSite, type_name: str) -> Slot:
    """Takes a slot; raises as `get`."""
    body = await get(site, f"/v1/reserve/{quote(type_name)}")
    return Slot(body["token"], body["service"], body["index"])


async def release(site: CrashSite, slot: Slot) -> None:
    """Ends the session; raises as `get`."""
    await get(site, f"/v1/release/{slot.token}")


class Screen:
    """A viewer's line, which is cut when the block is left unless it was closed."""

    def __init__(self, line: ClientConnection) -> None:
        self._line = line
        self._bytes = b""

    @property
    def code(self) -> int | None:
        """With which it was closed."""
        return self._line.close_code

    async def look(self, *, banner_only: bool = False) -> str:
        """Speaks RFB until pixels come; returns the name that the server gives its screen.

        Raises:
            websockets.exceptions.ConnectionClosed: the line was closed; says with which code and reason.
        """
        assert await self._read(12) == b"RFB 003.008\n"
        if banner_only:
            return ""
        await self._line.send(b"RFB 003.008\n")
        types = await self._read((await self._read(1))[0])
        assert 1 in types, types
        await self._line.send(b"\1")
        assert await self._read(4) == b"\0\0\0\0"
        await self._line.send(b"\1")
        header = await self._read(24)
        name = await self._read(int.from_bytes(header[20:24], "big"))
        await self._line.send(struct.pack("!BBHHHH", 3, 0, 0, 0, 16, 16))
        await self._read(4)
        return name.decode(errors="replace")

    async def stay(self, seconds: float) -> None:
        """Looks for so long; raises as `look` when the line is lost meanwhile."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await self._line.recv()
        except TimeoutError:
            return

    async def close(self) -> None:
        """Says goodbye."""
        await self._line.close()

    def cut(self) -> None:
        """Goes without a goodbye, as a closed laptop lid does."""
        self._line.transport.abort()

    async def _read(self, count: int) -> bytes:
        while len(self._bytes) < count:
            message = await self._line.recv()
            self._bytes += message if isinstance(message, bytes) else message.encode()
        data, self._bytes = self._bytes[:count], self._bytes[count:]
        return data


async def open_screen(site: CrashSite, slot: Slot) -> Screen:
    """Opens a viewer.

    Raises:
        websockets.exceptions.InvalidHandshake: it was refused.
        OSError: nobody answers.
    """
    line = await connect(
        f"ws://127.0.0.1:{site.port}/websockify?token={slot.token}",
        compression=None, max_size=None, proxy=None, ping_interval=None, close_timeout=1, open_timeout=OPEN_PATIENCE,
    )  # fmt: skip
    return Screen(line)
