"""TLS in front of page processes: the relay has all connections, tunnels them to pages, and keeps the screens.

A socket under TLS cannot change its process. So the relay's process decrypts, and gives each connection a tunnel to a
page process, which begins with a line that says who the client is. When that process grants a websocket, it names the
tunnel: its end here becomes a viewer's line, and the tunnel is taken down.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import resource
import secrets
import socket
import ssl
from pathlib import Path
from typing import cast

from remote_service.hosting.wire import short_path
from remote_service.relay.line import MOST_UNSENT, Line
from remote_service.relay_process.arrival import line_on
from remote_service.relay_process.goodbye import MOST_PATIENCE, Goodbye
from remote_service.relay_process.messages import Handover
from remote_service.tasks import spawn

log = logging.getLogger(__name__)

HANDSHAKE_PATIENCE = 10.0
"""Seconds for a TLS handshake."""
HANDOVER_PATIENCE = 2.0
"""Seconds for a handover to arrive whose page process has hung up already."""
MOST_HELD = 64 * 1024
"""Bytes of a client that are kept before it is read no further."""
BACKLOG = 2048
_HEAD = re.compile(rb"\r\n\r\n")
_UPGRADE = re.compile(rb"\r\nupgrade:[ \t]*websocket[ \t]*\r\n", re.IGNORECASE)


def most_tunnels() -> int:
    """How many clients may be there that are no viewers: half of the descriptors that this process may open."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(soft // 4, 16)


class Front:
    """Listens with a certificate."""

    def __init__(self, pages: Path) -> None:
        """Prepares.

        Args:
            pages: where page processes accept tunnels.
        """
        self.pages = pages
        self.tunnels: dict[str, Tunnel] = {}
        """By names that nobody can guess, and that no relay before this one has given."""
        self._most = most_tunnels()
        self._server: asyncio.Server | None = None

    async def open(self, listener: socket.socket, cert: Path, key: Path) -> None:
        """Serves from now on.

        Raises:
            OSError, ssl.SSLError: certificate or key cannot be used.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        loop = asyncio.get_running_loop()
        serve = loop.create_unix_server if listener.family == socket.AF_UNIX else loop.create_server
        self._server = await serve(
            lambda: Tunnel(self, secrets.token_urlsafe(16)),
            sock=listener, ssl=context, ssl_handshake_timeout=HANDSHAKE_PATIENCE, ssl_shutdown_timeout=MOST_PATIENCE,
            backlog=BACKLOG,
        )  # fmt: skip

    def line_of(self, handover: Handover) -> Line:
        """The line of a websocket that was granted to the client of a tunnel.

        Raises:
            OSError: the client has gone meanwhile.
        """
        tunnel = self.tunnels.get(handover.tunnel or "")
        if tunnel is None:
            raise ConnectionResetError("the viewer left while its websocket was granted")
        return tunnel.become_line(handover)

    def has_room(self) -> bool:
        """Whether another client may come: each takes two descriptors, and viewers need theirs."""
        return len(self.tunnels) < self._most

    def close(self) -> None:
        """Serves nobody any more."""
        if self._server is not None:
            self._server.close()
        for tunnel in list(self.tunnels.values()):
            tunnel.close()


class Tunnel(asyncio.Protocol):
    """The client's end of a tunnel."""

    def __init__(self, front: Front, name: str) -> None:
        self._front = front
        self._name = name
        self._transport: asyncio.Transport | None = None
        self._pages: asyncio.Transport | None = None
        self._held: list[bytes] = []
        """Of the client: what came before the tunnel stood, or behind a request for a websocket."""
        self._head: bytes | None = b""
        """The first request so far; None once it is known whether it wants a websocket."""
        self._asks = False
        """It does, and nothing was answered yet."""
        self._full = False
        self._goodbye: Goodbye | None = None

    # ---- the client -------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came."""
        # uvloop's transports are no subclasses of asyncio's, they only look like them.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=MOST_UNSENT)
        if not self._front.has_room():
            self._transport.abort()
            return
        self._front.tunnels[self._name] = self
        spawn(self._connect(), name="tunnel to the pages")

    async def _connect(self) -> None:
        assert self._transport is not None
        loop = asyncio.get_running_loop()
        peer = self._transport.get_extra_info("peername")[:2] or None  # a client of a Unix socket has no address
        try:
            with short_path(self._front.pages) as name:
                pages, _protocol = await loop.create_unix_connection(lambda: _PagesEnd(self), name)
        except OSError as error:
            log.error("a client is sent away, since no process for pages can be reached: %s", error)
            self.close()
            return
        if self._name not in self._front.tunnels:
            pages.abort()
            return
        pages.write(json.dumps({"client": peer, "tunnel": self._name}).encode() + b"\n")
        self._pages = pages
        held, self._held = self._held, []
        self._resume()
        for piece in held:
            self._pass_on(piece)

    def data_received(self, data: bytes) -> None:
        """Bytes of the client."""
        if self._pages is None:
            self._hold(data)
        else:
            self._pass_on(data)

    def _pass_on(self, data: bytes) -> None:
        if self._asks:
            self._hold(data)
            return
        if self._head is not None:
            data = self._look_at_head(data)
        if data and self._pages is not None:
            self._pages.write(data)

    def _look_at_head(self, data: bytes) -> bytes:
        """What of the first request may pass: of one for a websocket nothing that follows it, before it is answered."""
        assert self._head is not None
        before = len(self._head)
        head = self._head + data
        end = _HEAD.search(head)
        if end is None:
            # Longer ones are refused by the pages.
            self._head = head if len(head) < MOST_HELD else None
            return data
        self._head = None
        if _UPGRADE.search(head, 0, end.end()) is None:
            return data
        self._asks = True
        if rest := head[end.end() :]:
            self._hold(rest)
        return head[before : end.end()]

    def _hold(self, data: bytes) -> None:
        self._held.append(data)
        if self._transport is not None and not self._full and sum(map(len, self._held)) >= MOST_HELD:
            self._full = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._full and self._transport is not None:
            self._full = False
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._front.tunnels.pop(self._name, None)
        if self._goodbye is not None:
            self._goodbye.cancel()
        if self._pages is not None:
            self._pages.close()

    def pause_writing(self) -> None:
        """Enough waits for the client."""
        if self._pages is not None:
            self._pages.pause_reading()

    def resume_writing(self) -> None:
        """It has read some."""
        if self._pages is not None:
            self._pages.resume_reading()

    def close(self) -> None:
        """Hangs up once the client has what it was sent."""
        if self._transport is not None and self._goodbye is None:
            self._goodbye = Goodbye(self._transport)

    # ---- the pages --------------------------------------------------------------------------------------

    def answered(self, data: bytes) -> None:
        """Bytes of a page process."""
        if self._asks:
            # A refusal, or a websocket that is not the relay's: what the client has said meanwhile goes there, too.
            self._asks = False
            held, self._held = self._held, []
            self._resume()
            for piece in held:
                self._pass_on(piece)
        assert self._transport is not None
        self._transport.write(data)

    def pages_left(self) -> None:
        """The page process has hung up."""
        if self._name not in self._front.tunnels:
            return  # its client has gone, or is a viewer by now
        if self._asks:
            # It has granted a websocket, which we are about to be told; or it has died.
            asyncio.get_running_loop().call_later(HANDOVER_PATIENCE, self._close_unless_line)
        else:
            self.close()

    def _close_unless_line(self) -> None:
        if self._name in self._front.tunnels:
            self.close()

    def pages_full(self, full: bool) -> None:
        """Whether enough waits for the page process."""
        if self._transport is not None and not self._transport.is_closing():
            if full:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    # ---- a screen ---------------------------------------------------------------------------------------

    def become_line(self, handover: Handover) -> Line:
        """Takes the tunnel down, and has its client served as a viewer."""
        assert self._transport is not None
        del self._front.tunnels[self._name]
        if self._pages is not None:
            self._pages.abort()
        self._resume()
        return line_on(self._transport, handover, self._held)


class _PagesEnd(asyncio.Protocol):
    """A tunnel's end at the pages."""

    def __init__(self, tunnel: Tunnel) -> None:
        self._tunnel = tunnel

    def data_received(self, data: bytes) -> None:
        """Bytes of a page process."""
        self._tunnel.answered(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has hung up."""
        self._tunnel.pages_left()

    def pause_writing(self) -> None:
        """Enough waits for it."""
        self._tunnel.pages_full(True)

    def resume_writing(self) -> None:
        """It has caught up."""
        self._tunnel.pages_full(False)
