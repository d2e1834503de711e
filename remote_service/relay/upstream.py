"""The connection to a session's endpoint: reads what there is, bounded, and says when it may be written to."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from remote_service.endpoints import Endpoint, EndpointKind

MOST_UNREAD = 256 * 1024
"""Bytes that wait for the viewer before reading pauses. One wake-up then moves as much, in one websocket message."""
MOST_UNSENT = 256 * 1024
"""Bytes that wait for the endpoint before the viewer is read no further."""
MOST_WAITING = 4 * 1024
"""Bytes that wait for the endpoint before the gateway asks it nothing by itself."""


class Upstream(asyncio.Protocol):
    """One stream to an endpoint, with backpressure both ways."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._chunks: list[bytes] = []
        self._size = 0
        self._ended = False
        self._reading = True
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    # ---- asyncio.Protocol -------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        # uvloop's transports are no subclasses of asyncio's, they only look like them.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=MOST_UNSENT)

    def data_received(self, data: bytes) -> None:
        """Bytes of the endpoint."""
        self._chunks.append(data)
        self._size += len(data)
        if self._size >= MOST_UNREAD and self._reading and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()
        self._arrived.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The endpoint has hung up."""
        self._ended = True
        self._arrived.set()
        self._writable.set()

    def pause_writing(self) -> None:
        """Enough waits for the endpoint."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The endpoint has caught up."""
        self._writable.set()

    # ---- for the relay ----------------------------------------------------------------------------------

    async def read(self) -> bytes:
        """What has arrived, as one piece; waits for something. Empty when the endpoint has hung up."""
        while not self._chunks:
            if self._ended:
                return b""
            self._arrived.clear()
            await self._arrived.wait()
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._size = 0
        if not self._reading and not self._ended and self._transport is not None:
            self._reading = True
            self._transport.resume_reading()
        return data

    def unread(self, data: bytes) -> None:
        """Puts back what was read too much; it comes first at the next `read`."""
        if data:
            self._chunks.insert(0, data)
            self._size += len(data)

    def send(self, data: bytes) -> None:
        """Sends to the endpoint, or keeps what it does not take yet. Does nothing once it has hung up."""
        if self._transport is not None and not self._ended and data:
            self._transport.write(data)

    @property
    def congested(self) -> bool:
        """Whether much waits for the endpoint; also once the connection was handed over."""
        return self._transport is not None and self._transport.get_write_buffer_size() > MOST_WAITING

    async def drained(self) -> None:
        """Returns when more may be sent: at once, or when the endpoint has taken enough, or has hung up."""
        if not self._writable.is_set():
            await self._writable.wait()

    async def write(self, data: bytes) -> None:
        """Sends to the endpoint; returns when more may be sent."""
        self.send(data)
        await self.drained()

    def hand_over(self, protocol: asyncio.Protocol) -> tuple[asyncio.Transport, bytes]:
        """Gives the connection to another protocol, as it stands; returns its transport and what nobody read yet.

        The protocol is told at once when the endpoint has hung up, or takes no more at the moment.
        """
        assert self._transport is not None, "not connected yet"
        transport, unread = self._transport, b"".join(self._chunks)
        self._chunks.clear()
        if self._ended:
            protocol.connection_lost(None)
            return transport, unread
        transport.set_protocol(protocol)
        if not self._writable.is_set():
            protocol.pause_writing()
        if not self._reading:
            transport.resume_reading()
        return transport, unread

    def close(self) -> None:
        """Hangs up; what was not sent yet is lost, since nobody is left to see its effect."""
        if self._transport is not None:
            self._transport.abort()


async def connect(endpoint: Endpoint, *, timeout: float, owner: int | None = None) -> Upstream:
    """Connects to a session's endpoint.

    Args:
        endpoint: a TCP address or a Unix socket.
        timeout: seconds.
        owner: the uid that a Unix socket must belong to. We may be root and reach sockets that the script may not:
            it must not lure us to one.

    Raises:
        OSError: it cannot be reached (a time-out is one too), or is not what it should be.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout):
            if endpoint.kind is EndpointKind.UNIX:
                with _held(Path(endpoint.path), owner) as name:
                    _transport, protocol = await loop.create_unix_connection(Upstream, name)
            else:
                _transport, protocol = await loop.create_connection(Upstream, endpoint.host, endpoint.port)
    except TimeoutError as error:
        raise TimeoutError(f"{endpoint} did not answer within {timeout:g} s") from error
    return protocol


@contextmanager
def _held(path: Path, owner: int | None) -> Iterator[str]:
    """A name for exactly the socket that `path` leads to now; follows no link, and fits into a socket address.

    Raises:
        OSError: it is a link, no socket, or somebody else's.
    """
    held = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(held)
        if not stat.S_ISSOCK(found.st_mode):
            raise OSError("it is no socket; expected one, not a link or a file")
        if owner is not None and found.st_uid != owner:
            raise OSError(f"it belongs to uid {found.st_uid}; expected uid {owner}, as which scripts run")
        yield f"/proc/self/fd/{held}"
    finally:
        os.close(held)
