"""A websocket that was handed over becomes a `Line`: from then on it is served as in any other process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable

from remote_service.relay.line import Line
from remote_service.relay_process.messages import Handover


class _Landing(asyncio.Protocol):
    """Keeps what comes before the line stands."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.lost = False

    def data_received(self, data: bytes) -> None:
        """Bytes of the viewer."""
        self.pieces.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone."""
        self.lost = True


async def line_of_socket(handover: Handover, websocket: socket.socket) -> Line:
    """The line of a websocket that came along.

    Raises:
        OSError: it has gone meanwhile.
    """
    loop = asyncio.get_running_loop()
    transport, landing = await loop.connect_accepted_socket(_Landing, websocket)
    if landing.lost:
        raise ConnectionResetError("the viewer left while its websocket was handed over")
    return line_on(transport, handover, landing.pieces)


def line_on(transport: asyncio.Transport, handover: Handover, pieces: Iterable[bytes]) -> Line:
    """Answers the upgrade on a transport, and gives it to a line.

    Args:
        transport: the viewer's.
        handover: what its upgrade was granted with.
        pieces: what the viewer has said since.
    """
    transport.write(handover.answer)
    peer = handover.grant.actor.address or "a local socket"
    line = Line(transport, most_message=handover.most_message, peer=peer, lost=lambda _error: None)
    transport.set_protocol(line)
    for piece in (handover.early, *pieces):
        if piece:
            line.data_received(piece)
    return line
