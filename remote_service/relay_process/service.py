"""The relay's process at work: takes websockets, serves each, and tells all of them when it stops."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from remote_service.relay.line import STOP_PATIENCE, Line
from remote_service.relay.viewing import serve_viewer
from remote_service.relay_process.arrival import line_of_socket
from remote_service.relay_process.far_clerk import FarClerk
from remote_service.relay_process.front import Front
from remote_service.relay_process.messages import Handover
from remote_service.relay_process.taking import Taker
from remote_service.tasks import spawn

log = logging.getLogger(__name__)

GOODBYE = 2 * STOP_PATIENCE
"""Seconds that viewers have to hear why the relay stops."""

REPORT_PATIENCE = 1.0
"""Seconds for the supervisor to hear who has left."""


class RelayService:
    """Lives until `stop`."""

    def __init__(self, handovers: Path, offices: Sequence[Path], front: Front | None = None) -> None:
        """Takes websockets from now on.

        Args:
            handovers: the socket at which page processes hand them over.
            offices: the sockets at which it can be asked what viewers may do, the first choice first.
            front: where this process has the clients, too.

        Raises:
            OSError: it cannot be listened at the first one.
        """
        self.clerk = FarClerk(offices)
        self._front = front
        self._lines: set[Line] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._asking = spawn(self.clerk.run(), name="clerk")
        self._taker = Taker(handovers, self._take)

    def _take(self, handover: Handover, websocket: socket.socket | None) -> None:
        task = spawn(self._serve(handover, websocket), name="viewer")
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _line(self, handover: Handover, websocket: socket.socket | None) -> Line:
        if websocket is not None:
            return await line_of_socket(handover, websocket)
        if self._front is None:
            raise ConnectionRefusedError("a tunnel is named, and there are none here")
        return self._front.line_of(handover)

    async def _serve(self, handover: Handover, websocket: socket.socket | None) -> None:
        try:
            line = await self._line(handover, websocket)
        except OSError as error:
            log.debug("a viewer had left before it was served: %s", error)
            return
        self._lines.add(line)
        try:
            await serve_viewer(self.clerk, handover.grant, line.receive, line.send, line)
        finally:
            await line.over()
            self._lines.discard(line)

    async def stop(self) -> None:
        """Says goodbye to all viewers: they come again by themselves, through the relay that is started next."""
        self._taker.close()
        if self._front is not None:
            self._front.close()
        for line in self._lines:
            line.shutdown()
        if self._serving:
            await asyncio.wait(self._serving, timeout=GOODBYE)
        # A supervisor that does not answer finds it out by itself.
        with suppress(TimeoutError):
            async with asyncio.timeout(REPORT_PATIENCE):
                await self.clerk.last_report()
        self._asking.cancel()
