"""The relay's side of handovers: websockets that page processes have accepted arrive here, each with its grant."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path

from remote_service.hosting.wire import peer_of, short_path
from remote_service.relay_process.messages import Handover

log = logging.getLogger(__name__)

MOST_PACKET = 256 * 1024
"""Bytes: a grant, and what a peer can have sent before its upgrade was answered."""
_BACKLOG = 64

Take = Callable[[Handover, socket.socket | None], None]


class Taker:
    """Listens for page processes; each of them keeps one connection."""

    def __init__(self, path: Path, take: Take) -> None:
        """Listens from now on; a socket that a killed relay left is replaced.

        Args:
            path: where, in a directory of mode 0700.
            take: called with each handover, and its socket if it has one, which is theirs then.

        Raises:
            OSError: it cannot be listened there.
        """
        self._take = take
        self._givers: set[socket.socket] = set()
        self._loop = asyncio.get_running_loop()
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.setblocking(False)
        try:
            with short_path(path) as name:
                self._listener.bind(name)
            path.chmod(0o600)
            self._listener.listen(_BACKLOG)
        except OSError:
            self._listener.close()
            raise
        self._loop.add_reader(self._listener, self._come)

    def close(self) -> None:
        """Takes nothing any more."""
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for giver in list(self._givers):
            self._leave(giver)

    def _come(self) -> None:
        try:
            giver, _address = self._listener.accept()
        except BlockingIOError:
            return
        _pid, uid = peer_of(giver)
        if uid != os.geteuid():
            log.warning("uid %d wanted to hand websockets over; expected uid %d", uid, os.geteuid())
            giver.close()
            return
        giver.setblocking(False)
        self._givers.add(giver)
        self._loop.add_reader(giver, self._receive, giver)

    def _receive(self, giver: socket.socket) -> None:
        try:
            packet, descriptors, _flags, _address = socket.recv_fds(giver, MOST_PACKET, 1)
        except BlockingIOError:
            return
        except OSError:
            packet, descriptors = b"", []
        if not packet:
            _close(descriptors)
            self._leave(giver)
            return
        try:
            handover = Handover.unpacked(packet)
            websocket = _socket_of(descriptors, handover)
        except (ValueError, OSError) as error:
            log.error("a handover is thrown away: %s", error)
            _close(descriptors)
            return
        self._take(handover, websocket)

    def _leave(self, giver: socket.socket) -> None:
        self._loop.remove_reader(giver)
        self._givers.discard(giver)
        giver.close()


def _socket_of(descriptors: list[int], handover: Handover) -> socket.socket | None:
    expected = int(handover.tunnel is None)
    if len(descriptors) != expected:
        raise ValueError(f"it came with {len(descriptors)} descriptors; expected {expected}")
    return socket.socket(fileno=descriptors[0]) if descriptors else None


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
