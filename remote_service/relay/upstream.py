"""The connection to a session's endpoint: reads what there is, bounded, and says when it may be written to."""

from __future__ import annotations

import asyncio
from typing import cast

from remote_service.relay.flag import Flag

MOST_UNREAD = 128 * 1024
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
        self._arrived = Flag()
        self._writable = Flag()
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

    def hand_over(self, protocol: asyncio.BaseProtocol) -> tuple[asyncio.Transport, bytes]:
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
