"""uvicorn's HTTP with bounds on what a client may keep us waiting for: headers, bodies, and answers that it must read.

uvicorn itself waits for ever, and takes headers and bodies of any length.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from remote_service.admission.doorkeeper import Doorkeeper, doorkeeper
from remote_service.monitoring.metrics import REFUSED

MOST_HEADERS = 32 * 1024
"""Bytes of all header lines together, the request line included."""
MOST_LINE = 8 * 1024
"""Bytes of one of them, as other servers have it; the parser of websockets takes no longer ones."""
MOST_LINES = 100
MOST_BODY = 2_621_440
"""Bytes of a body: what Django takes of a form (`DATA_UPLOAD_MAX_MEMORY_SIZE`); nothing else is uploaded."""
GOODBYE_PATIENCE = 1.0
"""Seconds in which a client may read why it was refused."""

_MOST_RAW = 2 * MOST_BODY
_TOO_LARGE = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
_TOO_MUCH = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class HttpProtocol(HttpToolsProtocol):
    """One connection, until it is upgraded."""

    _keeper: Doorkeeper
    _refused = False
    _in_headers = False
    _in_body = False
    _size = 0
    """Bytes of the part that is being received: headers, then the body."""
    _raw = 0
    """Bytes of the body as it came: what surrounds its chunks, and what follows them, is no less to be bounded."""

    # ---- the connection ---------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """A client came; it has to say what it wants."""
        super().connection_made(transport)
        self._keeper = doorkeeper(self.loop)
        self._keeper.came(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone."""
        self._keeper.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of the client; those of one that was refused are thrown away."""
        if self._refused:
            return
        self._keeper.spoke(self)
        was_in_headers, was_in_body = self._in_headers, self._in_body
        super().data_received(data)
        if self._refused:
            return
        if was_in_headers and self._in_headers:
            self._size += len(data)
            if self._size > MOST_HEADERS:
                self.refuse(_TOO_LARGE)
        elif was_in_body and self._in_body:
            self._raw += len(data)
            if self._raw > _MOST_RAW:
                self.refuse(_TOO_MUCH)

    def handle_websocket_upgrade(self) -> None:
        """The connection is a websocket's from now on."""
        if not self._refused:
            self._keeper.forget(self)
            super().handle_websocket_upgrade()

    # ---- a request, as the parser finds its parts -------------------------------------------------------

    def on_message_begin(self) -> None:
        """A request begins."""
        if self._refused:
            return
        super().on_message_begin()
        self._in_headers, self._size = True, 0
        self._keeper.wait_in(self._keeper.headers, self)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers; what comes so behind a body (trailers) nobody asked for."""
        if self._in_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Its headers are all there; of one that is too large nobody hears."""
        if self._refused:
            return
        self._in_headers, self._in_body, self._size, self._raw = False, True, 0, 0
        self._keeper.headers.remove(self)
        lines = [len(self.url), *(len(name) + len(value) for name, value in self.headers)]
        if len(lines) > MOST_LINES or max(lines) > MOST_LINE or sum(lines) > MOST_HEADERS:
            self.refuse(_TOO_LARGE)
        elif self._announced() > MOST_BODY:
            self.refuse(_TOO_MUCH)
        else:
            self._keeper.wait_in(self._keeper.bodies, self)
            super().on_headers_complete()

    def _announced(self) -> int:
        length = next((value for name, value in self.headers if name == b"content-length"), b"0")
        return int(length) if length.isdigit() else 0

    def on_body(self, body: bytes) -> None:
        """A part of its body."""
        if self._refused:
            return
        self._size += len(body)
        if self._size > MOST_BODY:
            self.refuse(_TOO_MUCH)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """All of it is there."""
        if not self._refused:
            self._in_body = False
            self._keeper.bodies.remove(self)
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """It was answered: the next one is waited for, or that the client has read the answer."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._await_reading()
        elif self.timeout_keep_alive_task is not None:
            self._keeper.wait_in(self._keeper.idle, self)

    # ---- answers that are not read ----------------------------------------------------------------------

    def pause_writing(self) -> None:
        """Much waits for the client."""
        super().pause_writing()
        self._await_reading()

    def resume_writing(self) -> None:
        """It has read some."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._keeper.answers.remove(self)

    def timeout_keep_alive_handler(self) -> None:
        """It wanted nothing more for long."""
        super().timeout_keep_alive_handler()
        self._await_reading()

    def _await_reading(self) -> None:
        if self.transport.get_write_buffer_size():
            self._keeper.wait_in(self._keeper.answers, self)

    # ---- the end of patience ----------------------------------------------------------------------------

    def late(self) -> None:
        """It did not say in time what it wants."""
        if self._in_headers:
            self.refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def late_body(self) -> None:
        """It did not send all of its request in time, unless it was us who did not read it."""
        if self.flow.read_paused:
            self._keeper.wait_in(self._keeper.bodies, self)
        else:
            self.refuse(HTTPStatus.REQUEST_TIMEOUT)

    def send_400_response(self, msg: str) -> None:
        """What came is no HTTP."""
        if not self._refused:
            REFUSED.labels("request 400").inc()
            super().send_400_response(msg)

    def refuse(self, status: HTTPStatus) -> None:
        """Ends the connection with an answer of its own, if none has begun.

        What still comes is read and thrown away: closing with bytes unread would reset the connection, and the client
        might never see the answer.
        """
        if self.transport.is_closing():
            return
        self._refused = True
        self._keeper.forget(self)
        self._unset_keepalive_if_required()
        REFUSED.labels(f"request {status.value}").inc()
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self.transport.abort()
                return
        self.transport.write(self._answer(status))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()
        self.flow.resume_reading()
        self.loop.call_later(GOODBYE_PATIENCE, self.transport.abort)

    def _answer(self, status: HTTPStatus) -> bytes:
        body = f"{status.phrase}\n".encode()
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        return b"".join(
            [STATUS_LINE[status], *(b"%s: %s\r\n" % header for header in headers), b"\r\n", body],
        )
