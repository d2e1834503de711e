"""The page process's side of a handover: an accepted websocket goes to the relay's process."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from pathlib import Path

from remote_service.hosting.wire import short_path
from remote_service.relay_process.messages import Handover

log = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds in which a relay that is being started again has to be there."""
RETRY = 0.1
"""Seconds between two tries to reach it."""


class NoRelayError(OSError):
    """The relay's process cannot be reached, or cannot take this viewer; the message says so."""


class _TooLongError(Exception):
    """The packet is longer than the kernel takes."""


class Giver:
    """This process's way to the relay; the connection is kept, and made anew when the relay is another one."""

    def __init__(self, path: Path) -> None:
        """Prepares.

        Args:
            path: the relay's socket.
        """
        self._path = path
        self._connection: socket.socket | None = None
        self._one_at_a_time = asyncio.Lock()

    async def give(self, websocket: socket.socket | None, handover: Handover) -> None:
        """Gives a websocket away; the caller closes its own descriptor of it.

        Args:
            websocket: None for one that the relay has already.
            handover: what it has to know of it.

        Raises:
            NoRelayError: nobody took it in time, or nobody can.
        """
        packet = handover.packed()
        descriptors = [] if websocket is None else [websocket.fileno()]
        try:
            async with asyncio.timeout(PATIENCE), self._one_at_a_time:
                while not await self._given(packet, descriptors):
                    await asyncio.sleep(RETRY)
        except _TooLongError:
            # To try it again would keep all other viewers waiting.
            raise NoRelayError(
                f"the viewer has sent {len(handover.early)} bytes before it was let in; expected far fewer"
            ) from None
        except TimeoutError:
            raise NoRelayError(f"the relay's process does not take anything at {self._path}") from None

    async def _given(self, packet: bytes, descriptors: list[int]) -> bool:
        try:
            connection = self._connection or await self._connect()
            while True:
                try:
                    socket.send_fds(connection, [packet], descriptors)
                except BlockingIOError:
                    await _writable(connection)
                else:
                    return True
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                raise _TooLongError from error
            log.debug("the relay is tried again: %s", error)
            self.close()
            return False

    async def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.setblocking(False)
        try:
            with short_path(self._path) as name:
                connection.connect(name)
        except OSError:
            connection.close()
            raise
        self._connection = connection
        return connection

    def close(self) -> None:
        """Hangs up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


async def _writable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_writer(connection, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_writer(connection)
