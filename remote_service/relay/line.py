"""A viewer's websocket whose TCP transport is ours: frames, pings, closing, and reading that can be held back.

It speaks ASGI's `receive` and `send` until a consumer takes its bytes without any task in between (see `crossing`).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Any

from remote_service.relay.flag import Flag
from remote_service.relay.frames import (
    MOST_CONTROL_FRAMES,
    Control,
    FloodGuard,
    FrameError,
    FrameReader,
    Opcode,
    binary_message,
    close_frame,
    close_of,
    control_frame,
)
from remote_service.relay.inflow import Consumer, Hold, Inflow
from remote_service.relay.scratch import ScratchReader
from remote_service.rfb.buffer import Data
from remote_service.rfb.errors import RemoteProtocolError
from remote_service.states import ENDINGS, EndReason

log = logging.getLogger(__name__)

LINE_CUT = 1006
PING = 15.0
"""Seconds between two pings, and for the answer: a dead peer is found within 30."""
CLOSE_PATIENCE = 10.0
"""Seconds that a peer has to take what it was sent and to answer our goodbye."""
STOP_PATIENCE = 0.5
"""The same when the server stops; uvicorn itself waits for one second."""
MOST_UNSENT = 16 * 1024
"""Bytes that wait for an end before the other one is read no further; one chunk comes on top (at most 512 KiB)."""


def report_flood(peer: object) -> None:
    """Logs that a peer is cut off for its flood."""
    log.warning("%s: more than %d control frames within a second; cut", peer, MOST_CONTROL_FRAMES)


class Line(ScratchReader):
    """One viewer's line, from the answer to its upgrade on."""

    def __init__(
        self, transport: asyncio.Transport, *, most_message: int, peer: object, lost: Callable[[Exception | None], None]
    ) -> None:
        """Begins to speak; the transport must be given this protocol next.

        Args:
            transport: the viewer's, its upgrade answered.
            most_message: bytes that one message may have.
            peer: its address, for the log.
            lost: called when the connection has ended.
        """
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._inflow = Inflow(transport, FrameReader(most_message, FloodGuard(self._loop.time)), self)
        self._peer = peer
        self._report_lost = lost
        self._piece: bytes | None = None
        self._consumer: Consumer | None = None
        self._left: int | None = None  # the code with which the viewer left
        self._error: Exception | None = None
        self._arrived = Flag()
        self._writable = Flag()
        self._writable.set()
        self._over = Flag()
        self._closing = False
        self._heard = True
        self._unanswered: bytes | None = None
        """The last ping that came while nothing could be sent; older ones need no answer (RFC 6455 section 5.5.3)."""
        self._end_timer: asyncio.TimerHandle | None = None
        transport.set_write_buffer_limits(high=MOST_UNSENT)
        self._ping_timer = self._loop.call_later(PING, self._ping)

    # ---- ASGI -------------------------------------------------------------------------------------------

    async def receive(self) -> dict[str, Any]:
        """The next bytes of the viewer, or that it has left.

        Raises:
            RemoteProtocolError: its consumer did not understand it.
        """
        while True:
            if self._piece is not None:
                piece, self._piece = self._piece, None
                self.release(Hold.QUEUE)
                return {"type": "websocket.receive", "bytes": piece}
            if self._error is not None:
                raise self._error
            if self._left is not None:
                return {"type": "websocket.disconnect", "code": self._left}
            self._arrived.clear()
            await self._arrived.wait()

    async def send(self, message: dict[str, Any]) -> None:
        """Sends bytes once the viewer takes them, or the close frame at once.

        Raises:
            OSError: it has left.
        """
        closing = message["type"] == "websocket.close"
        if not closing:
            await self._writable.wait()
        if self._closing or self._over.is_set():
            raise OSError("the viewer has left")
        if closing:
            self.close(message.get("code", 1000), message.get("reason") or "")
        else:
            self.write(message["bytes"])

    # ---- for its consumer -------------------------------------------------------------------------------

    def hand_to(self, consumer: Consumer | None) -> None:
        """Gives all further bytes to a consumer, those that nobody took yet first; to `receive` again with None."""
        self._consumer = consumer
        if consumer is None:
            return
        if not self._writable.is_set():
            consumer.viewer_full()
        if self._piece is not None:
            self._inflow.put_back(self._piece)
            self._piece = None
        self.release(Hold.QUEUE)

    def write(self, data: Data) -> bool:
        """Sends a message, unless the viewer has left; returns whether `data` has to stay as it is for that."""
        if not self._closing:
            self._transport.writelines(binary_message(data))
        return self._transport.get_write_buffer_size() > 0

    def hold(self, reason: Hold) -> None:
        """The viewer is read no further."""
        self._inflow.hold(reason)

    def release(self, reason: Hold) -> None:
        """This is no reason any more."""
        self._inflow.release(reason)

    # ---- its end ----------------------------------------------------------------------------------------

    def close(self, code: int, reason: str, patience: float | None = None) -> None:
        """Says goodbye, and hears of the viewer only whether it does so too."""
        if self._closing or self._over.is_set():
            return
        self._closing = True
        self._consumer = self._piece = None
        self._transport.write(close_frame(code, reason))
        self._end_within(CLOSE_PATIENCE if patience is None else patience)
        self._inflow.release_all()

    def shutdown(self) -> None:
        """The server stops; who has not been told why by the relay is told here."""
        stopped = ENDINGS[EndReason.SERVER_STOPPED]
        self._viewer_left(stopped.close_code)
        self.close(stopped.close_code, stopped.sentence, STOP_PATIENCE)
        self._end_within(STOP_PATIENCE)

    async def over(self) -> None:
        """Returns when the connection has ended; closes it when nobody did so."""
        self.close(1011, "")
        await self._over.wait()

    def _end_within(self, seconds: float) -> None:
        self._ping_timer.cancel()
        if self._end_timer is not None:
            self._end_timer.cancel()
        self._end_timer = self._loop.call_later(seconds, self._transport.abort)

    def _viewer_left(self, code: int) -> None:
        if self._left is None:
            self._left = code
        self._arrived.set()

    def _hang_up(self) -> None:
        """Ends the connection once what was sent is taken, for which there is not all time of the world."""
        self._closing = True
        self._inflow.stop()
        self._end_within(CLOSE_PATIENCE)
        self._transport.close()

    # ---- asyncio.Protocol -------------------------------------------------------------------------------

    def data_received(self, data: Data) -> bool:
        """Bytes of the viewer; returns whether it is held, and they are not all taken."""
        self._heard = True
        return self._inflow.feed(data)

    def eof_received(self) -> None:
        """The viewer sends no more, and said no goodbye: it has gone."""
        self._viewer_left(LINE_CUT)
        self._hang_up()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._closing = True
        self._ping_timer.cancel()
        if self._end_timer is not None:
            self._end_timer.cancel()
        self._consumer = None
        self._inflow.stop()
        self._viewer_left(LINE_CUT)
        self._writable.set()
        self._over.set()
        self._report_lost(exc)

    def pause_writing(self) -> None:
        """Enough waits for the viewer."""
        self._writable.clear()
        if self._consumer is not None:
            self._consumer.viewer_full()

    def resume_writing(self) -> None:
        """The viewer has caught up."""
        self._writable.set()
        if self._unanswered is not None:
            self._answer(self._unanswered)
        if self._consumer is not None:
            self._consumer.viewer_drained()

    # ---- what the viewer says (see `inflow.Taker`) --------------------------------------------------------

    def take(self, piece: bytes) -> None:
        """Bytes of the viewer."""
        if self._closing:
            return
        if self._consumer is None:
            self._piece = piece
            self._arrived.set()
            self.hold(Hold.QUEUE)
            return
        try:
            self._consumer.from_viewer(piece)
        except RemoteProtocolError as error:
            self._error = error
            self._consumer = None
            self._arrived.set()
            self.hold(Hold.QUEUE)

    def flush(self) -> None:
        """These were all, for now."""
        if self._consumer is not None:
            self._consumer.flush()

    def control(self, frame: Control) -> None:
        """A control frame of the viewer."""
        if frame.opcode is Opcode.PING:
            if self._writable.is_set():
                self._answer(frame.payload)
            else:
                self._unanswered = frame.payload
        elif frame.opcode is Opcode.CLOSE:
            code, _reason = close_of(frame.payload)
            self._viewer_left(code)
            if not self._closing:
                self._transport.write(close_frame(code))
            self._hang_up()

    def refuse(self, error: FrameError) -> None:
        """Ends the connection; what else comes is thrown away, since nobody knows where a frame begins in it.

        Closing with bytes unread would reset the connection, and the peer might never see what it did wrong.
        """
        self._viewer_left(error.code)
        if not self._closing:
            self._closing = True
            self._transport.write(close_frame(error.code, error.reason))
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._end_within(STOP_PATIENCE)

    def flooded(self) -> None:
        """The viewer floods us: it is not worth an answer."""
        report_flood(self._peer)
        self._cut()

    # ---- pings ------------------------------------------------------------------------------------------

    def _answer(self, ping: bytes) -> None:
        self._unanswered = None
        if not self._closing:
            self._transport.write(control_frame(Opcode.PONG, ping))

    def _ping(self) -> None:
        # Whoever is not read may have answered behind what the endpoint does not take; that is heard a while later.
        held = self._inflow.held
        if not (self._heard or held):
            self._cut()
            return
        self._heard = held
        if self._writable.is_set():
            self._transport.write(control_frame(Opcode.PING, os.urandom(4)))
        self._ping_timer = self._loop.call_later(PING, self._ping)

    def _cut(self) -> None:
        """Ends the connection, and what waits to be sent with it."""
        self._inflow.stop()
        self._viewer_left(LINE_CUT)
        self._closing = True
        self._transport.abort()
