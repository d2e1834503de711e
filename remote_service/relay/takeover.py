"""uvicorn's websocket with two ways to have its TCP connection: extensions of the scope that the relay looks for.

    line = await scope["extensions"][TAKEOVER]({"type": "websocket.accept", "subprotocol": "binary"})
    detached = await scope["extensions"][DETACH]({"type": "websocket.accept", "subprotocol": "binary"})

The first keeps it in this process; the second gives it away (see `detaching`).

Other applications do not notice it: for them this is uvicorn's websocket, which also says when a line was cut.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

from remote_service.relay.detaching import DETACH, Detached, Origin, Unsent
from remote_service.relay.frames import LEAST_PART, FloodError, FloodGuard
from remote_service.relay.line import LINE_CUT, Line, report_flood
from remote_service.states import ENDINGS, EndReason

TAKEOVER = "remote_service.takeover"
"""The extension's name in the scope; it is called with the message that accepts, and gives a `Line`."""
MOST_EARLY = 64 * 1024
"""Bytes of a peer that does not wait for the answer to its upgrade (RFC 6455 section 4.1 tells it to)."""

TakeOver = Callable[[dict[str, Any]], Awaitable[Line]]


def takeover_of(scope: dict[str, Any]) -> TakeOver | None:
    """How this websocket's transport is taken over; None where the server cannot."""
    found: TakeOver | None = (scope.get("extensions") or {}).get(TAKEOVER)
    return found


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's websocket, with the extensions; it also says when a line was cut, and ends floods.

    uvicorn reports a lost connection with the code of a close frame without a code (1005), but a viewer whose line
    was cut must be told from one that closed its window.
    """

    _line: Line | None = None
    _early: tuple[bytes, ...] = ()

    def __init__(self, *arguments: Any, origin: Origin | None = None, **keywords: Any) -> None:
        """Prepares; see uvicorn's.

        Args:
            arguments: uvicorn's.
            origin: who the client is, where the connection comes out of a tunnel.
            keywords: uvicorn's.
        """
        super().__init__(*arguments, **keywords)
        self._origin = origin
        self._guard = FloodGuard(lambda: self.loop.time())
        self._application = self.app
        self.app = self._run_application

    def connection_made(self, transport: Any) -> None:
        """The connection is a websocket's from now on."""
        super().connection_made(transport)
        if self._origin is not None:
            self.client, self.scheme = self._origin.client, "wss"

    # ---- the extensions ---------------------------------------------------------------------------------

    def handle_connect(self, event: Request) -> None:
        """The upgrade is asked for."""
        super().handle_connect(event)
        if not self.close_sent:
            # The application runs from the next turn of the loop on.
            extensions: dict[str, Any] = {**(self.scope["extensions"] or {}), TAKEOVER: self._take_over}
            if self.transport.get_extra_info("sslcontext") is None:
                # A socket under TLS cannot be given away.
                extensions[DETACH] = self._detach
            self.scope["extensions"] = extensions

    async def _take_over(self, accept: dict[str, Any]) -> Line:
        await super().send(accept)  # type: ignore[arg-type]
        self.stop_keepalive()
        line = self._line = Line(
            self.transport, most_message=self.config.ws_max_size, peer=self.client, lost=self.connection_lost
        )
        self.transport.set_protocol(line)
        if not self.writable.is_set():
            line.pause_writing()
        self._give_early(line.data_received)
        return line

    async def _detach(self, accept: dict[str, Any]) -> Detached:
        """Gives the connection away; whoever gets it answers the upgrade.

        Raises:
            ConnectionError: the peer has gone.
        """
        await self.writable.wait()
        if self.disconnected or self.transport.is_closing():
            raise ConnectionResetError("the viewer left before its websocket could be handed over")
        transport = self.transport
        transport.pause_reading()
        answer = Unsent()
        self.transport = answer  # type: ignore[assignment]
        await super().send(accept)  # type: ignore[arg-type]
        self.transport = transport
        self.stop_keepalive()
        early, self._early = b"".join(self._early), ()
        tunnel = None if self._origin is None else self._origin.tunnel
        # A descriptor of our own outlives the transport, and the connection ends with the last one.
        websocket = (
            None if tunnel is not None else socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
        )
        return Detached(answer.written, early, self.config.ws_max_size, websocket, tunnel, transport.abort)

    async def _run_application(self, scope: Any, receive: Any, send: Any) -> None:
        """Lets a line that was taken over close in its own time; uvicorn closes the transport when this returns."""
        try:
            await self._application(scope, receive, send)
        finally:
            if self._line is not None:
                await self._line.over()

    # ---- early bytes ------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Bytes of the peer; those that come before it was accepted are kept for whoever reads it afterwards."""
        if not self.handshake_initiated or self.handshake_complete:
            super().data_received(data)
            if not self.handshake_initiated and self.conn.handshake_exc is not None:
                self._refuse_request()
            return
        self._early = (*self._early, data)
        if sum(map(len, self._early)) >= MOST_EARLY:
            self.transport.pause_reading()

    def _refuse_request(self) -> None:
        """Answers a request that cannot be read; uvicorn leaves its client waiting for ever."""
        self.handshake_complete = self.close_sent = True
        answer = b"".join(self.conn.data_to_send())
        self.transport.write(answer or b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        self.transport.close()

    async def send(self, message: Any) -> None:
        """Sends what the application says."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            # Else uvicorn takes the refusal for a mistake of the application's.
            self.handshake_complete = True
        if self._early and self.handshake_complete:
            self._give_early(super().data_received)

    def _give_early(self, to: Callable[[bytes], object]) -> None:
        early, self._early = b"".join(self._early), ()
        if len(early) >= MOST_EARLY:
            self.transport.resume_reading()
        if early:
            to(early)

    # ---- its end ----------------------------------------------------------------------------------------

    def connection_lost(self, exc: Exception | None) -> None:
        """The TCP connection has ended."""
        if self.handshake_complete and self.conn.close_rcvd is None:
            self._report_cut()
        super().connection_lost(exc)

    def keepalive_timeout(self) -> None:
        """The peer has not answered a ping: it is gone, and so is what waits to be sent to it."""
        if self.read_paused:
            # It may have answered behind what the endpoint does not take at the moment: ask again.
            self.pong_timer = self.pending_ping_payload = None
            self.schedule_ping()
            return
        self._report_cut()
        super().keepalive_timeout()
        self.transport.abort()

    def shutdown(self) -> None:
        """The server stops; who has not been told why by the relay is told here: uvicorn itself gives no reason."""
        if self._line is not None:
            self._line.shutdown()
            return
        if self.handshake_complete and not self.close_sent:
            stopped = ENDINGS[EndReason.SERVER_STOPPED]
            self.queue.put_nowait({"type": "websocket.disconnect", "code": stopped.close_code})
            self.conn.send_close(stopped.close_code, stopped.sentence)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        super().shutdown()

    def _report_cut(self) -> None:
        self.queue.put_nowait({"type": "websocket.disconnect", "code": LINE_CUT})

    # ---- what is no text ---------------------------------------------------------------------------------

    def send_receive_event_to_app(self) -> None:
        """A message is complete; a text that is no UTF-8 ends the connection (RFC 6455 section 8.1)."""
        if self.curr_msg_data_type == "text" and not self.close_sent and not _is_utf8(b"".join(self.frames)):
            # uvicorn does the same, with a traceback in the log.
            self.frames = []
            self.conn.fail(1007, "a text message is no UTF-8")
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    # ---- floods -----------------------------------------------------------------------------------------

    def handle_ping(self) -> None:
        """The peer wants an answer."""
        if self._control_frame_counts():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """The peer answers, or says something for no reason."""
        if self._control_frame_counts():
            super().handle_pong(event)

    def handle_cont(self, event: Frame) -> None:
        """A further part of a message."""
        if len(event.data) >= LEAST_PART or self._control_frame_counts():
            super().handle_cont(event)

    def _control_frame_counts(self) -> bool:
        """Counts a frame that carries nothing on; False for one too many, with which the connection ends."""
        if self.transport.is_closing():
            return False
        try:
            self._guard.count()
        except FloodError:
            report_flood(self.client)
            self.transport.abort()
            return False
        return True


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
