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
import uvloop

from remote_service.admission.doorkeeper import HEADER_PATIENCE
from remote_service.admission.http import HttpProtocol
from remote_service.admission.tunnelled import TunnelledHttp
from remote_service.conf import GatewaySettings
from remote_service.forwarded import BehindProxy
from remote_service.hosting.wire import short_path
from remote_service.monitoring import event_loop
from remote_service.open_files import take_more_files
from remote_service.relay.line import PING
from remote_service.relay.takeover import WebSocketProtocol
from remote_service.supervisor import Supervisor
from remote_service.tasks import spawn

log = logging.getLogger(__name__)

MOST_MESSAGE = 4 * 1024 * 1024
"""Bytes of one message from a browser; the largest that noVNC sends is a pasted text."""
KEEP_ALIVE = 75
"""Seconds that an idle connection is kept: longer than a page's poll, and than a front proxy keeps its own (60)."""
BACKLOG = 2048
LOAD_PATIENCE = 3.0
"""Seconds that the first answer waits for all scripts; one that hangs at import keeps no page from being served."""
GRACE = 1
"""Whole seconds that requests have to finish when the server stops."""


class ListenError(RuntimeError):
    """The address cannot be listened on; the message says which, why, and what to do."""


class Loop(uvloop.Loop):
    """uvloop that waits for a TLS handshake no longer than for a request; uvicorn leaves it at a minute."""

    async def create_server(self, *arguments: Any, **keywords: Any) -> Any:
        """Listens."""
        return await super().create_server(*arguments, **_with_patience(keywords))

    async def create_unix_server(self, *arguments: Any, **keywords: Any) -> Any:
        """Listens on a Unix socket."""
        return await super().create_unix_server(*arguments, **_with_patience(keywords))


def _with_patience(keywords: dict[str, Any]) -> dict[str, Any]:
    return {"ssl_handshake_timeout": HEADER_PATIENCE, **keywords} if keywords.get("ssl") else keywords


class Server(uvicorn.Server):
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
    tunnelled: bool = False
    """Another process of ours has the clients, and does TLS."""
    trusted_proxies: tuple[str, ...] = ()


def uvicorn_config(application: Any, listen: Listen) -> uvicorn.Config:
    """uvicorn's configuration: uvloop, sans-I/O websockets, no compression of what is compressed already."""
    behind_proxy = bool(listen.uds)
    proxies = [] if behind_proxy else list(listen.trusted_proxies)
    return uvicorn.Config(
        BehindProxy(application) if behind_proxy else application,
        host=listen.host,
        port=listen.port,
        uds=listen.uds,
        loop="uvloop",
        http=TunnelledHttp if listen.tunnelled else HttpProtocol,
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


def open_listeners(listen: Listen) -> list[socket.socket]:
    """Listens, before anything else is begun.

    Raises:
        ListenError: it is taken, not ours, or no address of this machine; or there is no directory for the socket.
    """
    if listen.uds is not None:
        _check_socket_folder(listen.uds)
        return [open_unix_listener(Path(listen.uds), 0o666)]
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    try:
        return [socket.create_server((listen.host.strip("[]"), listen.port), family=family, backlog=BACKLOG)]
    except OSError as error:
        raise ListenError(
            f"{listen.host} port {listen.port} cannot be listened on: {os.strerror(error.errno or 0)}; expected a free "
            "port at an address of this machine. Choose others by --host and --port (with make run: HOST and PORT)"
        ) from error


def _make_room(path: Path) -> None:
    """Removes the socket of a server that has ended.

    Raises:
        ListenError: it is none, or somebody answers there.
    """
    if not path.exists():
        return
    if not path.is_socket():
        raise ListenError(
            f"the Unix socket {path} cannot be made: there is something else; expected nothing, or the socket of a "
            "server that has ended. Remove it, or choose another path by --uds"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, short_path(path) as name:
        try:
            probe.connect(name)
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise ListenError(
        f"the Unix socket {path} cannot be made: another server answers there; expected none. Stop it, or choose "
        "another path by --uds"
    )


def open_unix_listener(path: Path, mode: int = 0o600) -> socket.socket:
    """Listens at a Unix socket, for several processes.

    Args:
        path: where.
        mode: of the socket; the one of `--uds` is open to all, since its directory says who may reach it.

    Raises:
        ListenError: it cannot be made.
    """
    _make_room(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with short_path(path) as name:
            listener.bind(name)
        path.chmod(mode)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ListenError(
            f"the Unix socket {path} cannot be made: {error.strerror or error}; expected a path in a directory of "
            "ours. Choose another one by --uds"
        ) from error
    return listener


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
    """Serves pages, websockets and sessions until SIGTERM, SIGINT or `/v1/stop`; the last two end every session.

    Args:
        application: the ASGI application.
        listen: where, and with which certificate.
        settings: the framework's.
        listeners: what `open_listeners` gave.
        announce: called once requests are answered.

    Raises:
        AccountError: scripts may not run as root and there is no account for them.
    """
    take_more_files()
    supervisor = Supervisor(settings)
    server = Server(uvicorn_config(application, listen), announce)

    def leave() -> None:
        server.should_exit = True
        supervisor.stop()

    def end() -> None:
        server.should_exit = True
        supervisor.end()

    handle_signals(leave, end, supervisor.reload)
    spawn(event_loop.measure_lag(), name="event loop's lag")
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
    supervising.add_done_callback(lambda _task: leave())
    await server.serve(listeners)
    await supervising


async def supervise(settings: GatewaySettings) -> None:
    """Runs the supervisor alone until SIGTERM or SIGINT; the latter ends every session."""
    supervisor = Supervisor(settings)
    handle_signals(supervisor.stop, supervisor.end, supervisor.reload)
    await supervisor.run()


def handle_signals(leave: Callable[[], None], end: Callable[[], None], reload: Callable[[], None]) -> None:
    """SIGTERM stops the server and leaves its sessions, SIGINT (Ctrl-C) ends them too, SIGHUP reloads."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, leave)
    loop.add_signal_handler(signal.SIGINT, end)
    loop.add_signal_handler(signal.SIGHUP, reload)
    loop.add_signal_handler(signal.SIGUSR2, _not_renewed)


def _not_renewed() -> None:
    log.warning("SIGUSR2 is ignored: it starts page processes anew, of which there are some with --workers only")
