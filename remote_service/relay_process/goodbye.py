"""The end of a client under TLS: who still takes what it was sent may go on, and who takes nothing is cut off.

What waits for a client lies in several buffers, of which only the kernel's is the last; it knows what the client took.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios

PATIENCE = 5.0
"""Seconds in which a client has to take some of what it was sent last."""
MOST_PATIENCE = 300.0
"""Seconds in which it has to take all of that."""

_INFO_SIZE = 256
_ACKNOWLEDGED = 120
"""Where `tcpi_bytes_acked` stands in `struct tcp_info` (linux/tcp.h, since Linux 4.1)."""


def taken_by(peer: socket.socket) -> int:
    """A number that changes when the peer of a connection takes bytes.

    Raises:
        OSError, ValueError: the connection has ended.
    """
    if peer.family == socket.AF_UNIX:
        (unread,) = struct.unpack("i", fcntl.ioctl(peer.fileno(), termios.TIOCOUTQ, bytes(4)))
        return int(unread)
    info = peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_SIZE)
    (acknowledged,) = struct.unpack_from("=Q", info, _ACKNOWLEDGED)
    return int(acknowledged)


class Goodbye:
    """Closes a connection, and looks that its client takes what still waits for it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        """Begins; `cancel` once the connection has ended.

        Args:
            transport: of the connection.
        """
        self._transport = transport
        self._peer: socket.socket = transport.get_extra_info("socket")
        self._loop = asyncio.get_running_loop()
        self._taken = self._look_up()
        self._timer = self._loop.call_later(PATIENCE, self._look)
        transport.close()

    def cancel(self) -> None:
        """Nobody is waited for any more."""
        self._timer.cancel()

    def _look(self) -> None:
        taken = self._look_up()
        if taken is None or taken == self._taken:
            self._transport.abort()
            return
        self._taken = taken
        self._timer = self._loop.call_later(PATIENCE, self._look)

    def _look_up(self) -> int | None:
        try:
            return taken_by(self._peer)
        except (OSError, ValueError):  # it is closed
            return None
