"""The product's server: uvicorn with the settings that measurement found right, and the supervisor beside it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from remote_service.conf import GatewaySettings
from remote_service.forwarded import BehindProxy
from remote_service.states import ENDINGS, EndReason
from remote_service.supervisor import Supervisor
from remote_service.tasks import spawn

log = logging.getLogger(__name__)

LINE_CUT = 1006
PING = 15.0
"""Seconds between two pings, and for the answer: a dead peer is found within 30."""
MOST_MESSAGE = 4 * 1024 * 1024
"""Bytes of one message from a browser; the largest that noVNC sends is a pasted text."""
KEEP_ALIVE = 75
"""Seconds that an idle connection is kept: longer than a page's poll, and than a front proxy keeps its own (60)."""
BACKLOG = 2048
LEAST_PART = 1024
"""Bytes from which on a continuation counts as part of a message; browsers send much more at once."""
MOST_CONTROL_FRAMES = 64
"""Pings, pongs and tiny continuations of one connection in a second. Browsers send none by themselves; a program that
sends thousands would have everybody else wait while they are answered, and the answers fill memory."""
LOAD_PATIENCE = 3.0
"""Seconds that the first answer waits for all scripts; one that hangs at import keeps no page from being served."""
GRACE = 1
"""Whole seconds that requests have to finish when the server stops."""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's websocket, which also says when a line was cut.

    uvicorn reports a lost connection with the code of a close frame without a code (1005), but a viewer whose line
    was cut must be told from one that closed its window.
    """

    _second_ends = 0.0
    _control_frames = 0

    def connection_lost(self, exc: Exception | None) -> None:
        """The TCP connection has ended."""
        if self.handshake_complete and self.conn.close_rcvd is None:
            self._report_cut()
        super().connection_lost(exc)

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
        now = self.loop.time()
        if now >= self._second_ends:
            self._second_ends, self._control_frames = now + 1.0, 0
        self._control_frames += 1
        if self._control_frames == MOST_CONTROL_FRAMES + 1:
            log.warning("%s: more than %d control frames within a second; cut", self.client, MOST_CONTROL_FRAMES)
            self.transport.abort()
        return self._control_frames <= MOST_CONTROL_FRAMES

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
        if self.handshake_complete and not self.close_sent:
            stopped = ENDINGS[EndReason.SERVER_STOPPED]
            self.queue.put_nowait({"type": "websocket.disconnect", "code": stopped.close_code})
            self.conn.send_close(stopped.close_code, stopped.sentence)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        super().shutdown()

    def _report_cut(self) -> None:
        self.queue.put_nowait({"type": "websocket.disconnect", "code": LINE_CUT})


class ListenError(RuntimeError):
    """The address cannot be listened on; the message says which, why, and what to do."""


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: sessions are ended before the process is."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to answer, and says so."""
        await super().startup(sockets)
        self._announce()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the signals to us."""
        yield


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen, and with which certificate."""

    host: str
    port: int
    uds: str | None = None
    cert: Path | None = None
    key: Path | None = None
    trusted_proxies: tuple[str, ...] = ()


def uvicorn_config(application: Any, listen: Listen) -> uvicorn.Config:
    """uvicorn's configuration: uvloop, sans-I/O websockets, no compression of what is compressed already."""
    proxies = [] if listen.uds else list(listen.trusted_proxies)
    return uvicorn.Config(
        BehindProxy(application) if listen.uds else application,
        host=listen.host,
        port=listen.port,
        uds=listen.uds,
        loop="uvloop",
        http="httptools",
        ws=WebSocketProtocol,
        ws_max_size=MOST_MESSAGE,
        ws_ping_interval=PING,
        ws_ping_timeout=PING,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
        ssl_certfile=listen.cert,
        ssl_keyfile=listen.key,
    )


def open_listeners(listen: Listen) -> list[socket.socket] | None:
    """Listens at a TCP address, before anything else is begun; None for a Unix socket, which uvicorn makes.

    Raises:
        ListenError: it is taken, not ours, or no address of this machine; or there is no directory for the socket.
    """
    if listen.uds is not None:
        _check_socket_folder(listen.uds)
        return None
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    try:
        return [socket.create_server((listen.host.strip("[]"), listen.port), family=family, backlog=BACKLOG)]
    except OSError as error:
        raise ListenError(
            f"{listen.host} port {listen.port} cannot be listened on: {os.strerror(error.errno or 0)}; expected a free "
            "port at an address of this machine. Choose others by --host and --port (with make run: HOST and PORT)"
        ) from error


def _check_socket_folder(uds: str) -> None:
    folder = Path(uds).absolute().parent
    if not folder.is_dir():
        raise ListenError(
            f"the Unix socket {uds} cannot be made: the directory {folder} is not there; expected one that only the "
            f"proxy's group can enter. Type 'install -d -m 750 -g www-data {folder}' (on Debian nginx is in www-data)"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ListenError(
            f"the Unix socket {uds} cannot be made: the directory {folder} cannot be written to by uid {os.geteuid()}; "
            "expected one of ours. Start the server as the directory's owner, or choose another path by --uds"
        )


async def serve(
    application: Any,
    listen: Listen,
    settings: GatewaySettings,
    listeners: list[socket.socket] | None = None,
    announce: Callable[[], None] = lambda: None,
) -> None:
    """Serves pages, websockets and sessions until SIGTERM, SIGINT or `/v1/stop`; then ends every session.

    Args:
        application: the ASGI application.
        listen: where, and with which certificate.
        settings: the framework's.
        listeners: what `open_listeners` gave.
        announce: called once requests are answered.

    Raises:
        AccountError: scripts may not run as root and there is no account for them.
    """
    supervisor = Supervisor(settings)
    server = _Server(uvicorn_config(application, listen), announce)

    def stop() -> None:
        server.should_exit = True
        supervisor.stop()

    handle_signals(stop, supervisor.reload)
    supervising = spawn(supervisor.run(), name="supervisor")
    ready = spawn(supervisor.ready.wait(), name="supervisor ready")
    await asyncio.wait({supervising, ready}, timeout=LOAD_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    if supervising.done():
        await supervising
        return
    if not supervisor.ready.is_set():
        log.warning(
            "scripts are still being loaded after %g s; pages are served without waiting for them", LOAD_PATIENCE
        )
    supervising.add_done_callback(lambda _task: stop())
    await server.serve(listeners)
    await supervising


async def supervise(settings: GatewaySettings) -> None:
    """Runs the supervisor alone until SIGTERM or SIGINT; then ends every session."""
    supervisor = Supervisor(settings)
    handle_signals(supervisor.stop, supervisor.reload)
    await supervisor.run()


def handle_signals(stop: Any, reload: Any) -> None:
    """SIGTERM and SIGINT stop, SIGHUP reloads."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop)
    loop.add_signal_handler(signal.SIGINT, stop)
    loop.add_signal_handler(signal.SIGHUP, reload)
