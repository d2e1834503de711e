"""A websocket that was handed over becomes a `Line`: from then on it is served as in any other process."""

from __future__ import annotations

import asyncio
import socket

from remote_service.relay.line import Line
from remote_service.relay_process.messages import Handover


class _Landing(asyncio.Protocol):
    """Keeps what comes before the line stands."""

    def __init__(self, early: bytes) -> None:
        self.pieces = [early] if early else []
        self.lost = False

    def data_received(self, data: bytes) -> None:
        """Bytes of the viewer."""
        self.pieces.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone."""
        self.lost = True


async def line_of(handover: Handover, websocket: socket.socket) -> Line:
    """The line of a websocket.

    Raises:
        OSError: it has gone meanwhile.
    """
    loop = asyncio.get_running_loop()
    transport, landing = await loop.connect_accepted_socket(lambda: _Landing(handover.early), websocket)
    if landing.lost:
        raise ConnectionResetError("the viewer left while its websocket was handed over")
    peer = handover.grant.actor.address or "a local socket"
    line = Line(transport, most_message=handover.most_message, peer=peer, lost=lambda _error: None)
    transport.set_protocol(line)
    for piece in landing.pieces:
        line.data_received(piece)
    return line
