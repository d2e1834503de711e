"""uvicorn as we set it up, and where it listens."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import stat
from pathlib import Path
from typing import Any

import pytest
import uvloop

from remote_service.admission.doorkeeper import HEADER_PATIENCE
from remote_service.admission.http import HttpProtocol
from remote_service.admission.tunnelled import TunnelledHttp
from remote_service.forwarded import BehindProxy
from remote_service.hosting.wire import short_path
from remote_service.relay.line import PING
from remote_service.relay.takeover import WebSocketProtocol
from remote_service.server import (
    MOST_MESSAGE,
    Listen,
    ListenError,
    Loop,
    open_listeners,
    open_unix_listener,
    uvicorn_config,
)

LOCAL = Listen("127.0.0.1", 8000)


def test_uvicorn_is_configured_as_measured() -> None:
    config = uvicorn_config(print, LOCAL)

    assert (config.loop, config.http, config.ws) == ("uvloop", HttpProtocol, WebSocketProtocol)
    assert (config.ws_ping_interval, config.ws_ping_timeout, config.ws_max_size) == (PING, PING, MOST_MESSAGE)
    assert not config.ws_per_message_deflate
    assert not config.access_log
    assert not config.is_ssl


@pytest.mark.parametrize("proxies", [(), ("10.0.0.1",)])
def test_on_a_port_forwarded_headers_are_believed_of_trusted_proxies_only(proxies: tuple[str, ...]) -> None:
    config = uvicorn_config(print, Listen("0.0.0.0", 8000, trusted_proxies=proxies))

    assert (config.proxy_headers, config.forwarded_allow_ips) == (bool(proxies), list(proxies))
    assert config.app is print


def test_on_a_unix_socket_a_proxy_says_who_comes() -> None:
    config = uvicorn_config(print, Listen("", 0, uds="/run/site.sock", trusted_proxies=("10.0.0.1",)))

    assert isinstance(config.app, BehindProxy)
    assert (config.uds, config.proxy_headers) == ("/run/site.sock", False)


def test_on_a_unix_socket_under_tls_a_proxy_says_it_too() -> None:
    config = uvicorn_config(print, Listen("", 0, uds="/run/site.sock", tunnelled=True))

    assert isinstance(config.app, BehindProxy)
    assert config.http is TunnelledHttp


def test_a_certificate_makes_it_tls(tmp_path: Path) -> None:
    config = uvicorn_config(print, Listen("127.0.0.1", 8443, cert=tmp_path / "cert.pem", key=tmp_path / "key.pem"))

    assert config.is_ssl


def test_a_port_that_is_taken_is_refused_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError) as caught:
            open_listeners(Listen("127.0.0.1", port))
    assert str(caught.value) == (
        f"127.0.0.1 port {port} cannot be listened on: Address already in use; expected a free port at an address of "
        "this machine. Choose others by --host and --port (with make run: HOST and PORT)"
    )


def test_a_unix_socket_needs_its_directory(tmp_path: Path) -> None:
    folder = tmp_path / "none"
    with pytest.raises(ListenError) as caught:
        open_listeners(Listen("127.0.0.1", 0, uds=f"{folder}/gateway.sock"))
    assert str(caught.value) == (
        f"the Unix socket {folder}/gateway.sock cannot be made: the directory {folder} is not there; expected one that "
        f"only the proxy's group can enter. Type 'install -d -m 750 -g www-data {folder}' (on Debian nginx is in "
        "www-data)"
    )


def test_a_unix_socket_needs_a_directory_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    with pytest.raises(ListenError) as caught:
        open_listeners(Listen("127.0.0.1", 0, uds=f"{tmp_path}/gateway.sock"))
    assert str(caught.value) == (
        f"the Unix socket {tmp_path}/gateway.sock cannot be made: the directory {tmp_path} cannot be written to by uid "
        f"{os.geteuid()}; expected one of ours. Start the server as the directory's owner, or choose another path by "
        "--uds"
    )


def test_a_free_port_is_listened_on_or_a_unix_socket_for_all_who_may_enter_its_folder(tmp_path: Path) -> None:
    (listener,) = open_listeners(Listen("127.0.0.1", 0))
    with listener:
        assert listener.getsockname()[0] == "127.0.0.1"
    path = tmp_path / "gateway.sock"
    (listener,) = open_listeners(Listen("127.0.0.1", 0, uds=str(path)))
    with listener:
        assert stat.S_IMODE(path.stat().st_mode) == 0o666


def test_a_file_that_is_no_socket_is_not_removed_for_one(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("work")
    with pytest.raises(ListenError) as caught:
        open_unix_listener(path)
    assert str(caught.value) == (
        f"the Unix socket {path} cannot be made: there is something else; expected nothing, or the socket of a server "
        "that has ended. Remove it, or choose another path by --uds"
    )
    assert path.read_text() == "work"


def test_the_socket_of_a_server_that_runs_is_not_taken_from_it(tmp_path: Path) -> None:
    path = tmp_path / "gateway.sock"
    with open_unix_listener(path) as listener:
        with pytest.raises(ListenError) as caught:
            open_unix_listener(path)
        assert str(caught.value) == (
            f"the Unix socket {path} cannot be made: another server answers there; expected none. Stop it, or choose "
            "another path by --uds"
        )
        listener.accept()[0].close()


@pytest.mark.parametrize(("modes", "mode"), [((), 0o600), ((0o666,), 0o666)])
def test_several_processes_share_a_unix_socket_that_replaces_a_stale_one(
    tmp_path: Path, modes: tuple[int, ...], mode: int
) -> None:
    path = tmp_path / "gateway.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    with open_unix_listener(path, *modes) as listener, socket.socket(socket.AF_UNIX) as proxy:
        assert stat.S_IMODE(path.stat().st_mode) == mode
        proxy.connect(str(path))
        listener.accept()[0].close()


def test_its_path_may_be_longer_than_a_socket_address(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 120) / "gateway.sock"
    path.parent.mkdir()
    with open_unix_listener(path) as listener, socket.socket(socket.AF_UNIX) as proxy:
        with short_path(path) as name:
            proxy.connect(name)
        listener.accept()[0].close()


def test_a_unix_socket_that_cannot_be_made_is_told_of() -> None:
    path = Path("/", "x" * 20, "gateway.sock")
    with pytest.raises(ListenError) as caught:
        open_unix_listener(path)
    assert str(caught.value) == (
        f"the Unix socket {path} cannot be made: No such file or directory; expected a path in a directory of ours. "
        "Choose another one by --uds"
    )


@pytest.mark.parametrize("method", ["create_server", "create_unix_server"])
def test_a_tls_handshake_is_waited_for_as_long_as_a_request(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    async def listening(_loop: Any, *_arguments: Any, **keywords: Any) -> None:
        asked.append(keywords)

    monkeypatch.setattr(uvloop.Loop, method, listening)

    async def listen() -> None:
        server = getattr(asyncio.get_running_loop(), method)
        await server(print, ssl=None)
        await server(print, ssl=ssl.create_default_context())
        await server(print, ssl=True, ssl_handshake_timeout=1)

    uvloop.run(listen(), loop_factory=Loop)
    assert [keywords.get("ssl_handshake_timeout") for keywords in asked] == [None, HEADER_PATIENCE, 1]
