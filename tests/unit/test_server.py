"""uvicorn as we set it up, and what its websocket says of a line that was cut; the transport is played."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from uvicorn.server import ServerState

from remote_service.forwarded import BehindProxy
from remote_service.server import (
    LINE_CUT,
    MOST_CONTROL_FRAMES,
    MOST_MESSAGE,
    PING,
    Listen,
    ListenError,
    WebSocketProtocol,
    open_listeners,
    uvicorn_config,
)

LOCAL = Listen("127.0.0.1", 8000)
UPGRADE = (
    b"GET /websockify?token=x HTTP/1.1\r\nHost: desk.example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Transport(asyncio.Transport):
    """Remembers what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.reading = True
        self.closing = False
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = self.aborted = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class Line:
    """A browser's connection and the application behind it."""

    def __init__(self) -> None:
        self.transport = Transport()
        self.heard: list[dict[str, Any]] = []
        self.listening = asyncio.Event()
        self.listening.set()

        async def application(_scope: Any, receive: Receive, send: Send) -> None:
            await receive()
            await send({"type": "websocket.accept"})
            while not self.heard or self.heard[-1]["type"] != "websocket.disconnect":
                await self.listening.wait()
                self.heard.append(await receive())

        config = uvicorn_config(application, LOCAL)
        config.load()
        self.state = ServerState()
        self.protocol = WebSocketProtocol(config, self.state, {})
        self.protocol.connection_made(self.transport)

    async def open(self) -> None:
        self.protocol.data_received(UPGRADE)
        await self.settled()
        assert self.transport.written.startswith(b"HTTP/1.1 101 ")
        self.transport.written = b""

    def says(self, opcode: int, payload: bytes) -> None:
        """A frame of a browser, masked with zeros (RFC 6455 section 5.2)."""
        assert len(payload) < 126
        self.protocol.data_received(bytes([0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0]) + payload)

    def pinged(self) -> bytes:
        """The payload of the ping that is sent now."""
        before = len(self.transport.written)
        if self.protocol.ping_timer is not None:
            self.protocol.ping_timer.cancel()
        self.protocol.send_keepalive_ping()
        ping = self.transport.written[before:]
        assert ping[:2] == b"\x89\x04"
        return ping[2:]

    async def settled(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def ended(self) -> dict[str, Any]:
        """How the application was told that the websocket has ended."""
        await asyncio.wait_for(asyncio.gather(*self.state.tasks), 5)
        return self.heard[-1]


@pytest.fixture
async def line() -> Line:
    made = Line()
    await made.open()
    return made


@pytest.mark.parametrize("error", [None, ConnectionResetError()])
async def test_a_line_that_ends_without_a_close_frame_was_cut(line: Line, error: Exception | None) -> None:
    line.says(2, b"last words")
    await line.settled()

    line.protocol.connection_lost(error)

    assert await line.ended() == {"type": "websocket.disconnect", "code": LINE_CUT}
    assert line.heard[0]["bytes"] == b"last words"


@pytest.mark.parametrize(("payload", "code"), [(struct.pack("!H", 1001), 1001), (b"", 1005)])
async def test_a_close_frame_is_told_by_its_own_code(line: Line, payload: bytes, code: int) -> None:
    line.says(8, payload)
    line.protocol.connection_lost(None)

    assert (await line.ended())["code"] == code


async def test_a_line_that_is_lost_before_the_upgrade_is_no_viewers() -> None:
    line = Line()
    line.protocol.connection_lost(None)

    assert line.protocol.queue.get_nowait() == {"type": "websocket.disconnect", "code": 1006}
    assert line.protocol.queue.empty()


async def test_a_peer_that_answers_no_ping_is_gone_with_all_that_waits_for_it(line: Line) -> None:
    line.pinged()

    line.protocol.keepalive_timeout()

    assert line.transport.aborted
    line.protocol.connection_lost(None)
    assert (await line.ended())["code"] == LINE_CUT


async def test_a_peer_that_answers_pings_stays(line: Line) -> None:
    payload = line.pinged()
    assert line.protocol.pong_timer is not None

    line.says(10, payload)

    assert line.protocol.pong_timer is None
    assert line.protocol.ping_timer is not None
    assert not line.transport.closing
    line.protocol.connection_lost(None)
    await line.ended()


async def test_a_peer_whose_answer_cannot_be_read_at_the_moment_is_asked_again(line: Line) -> None:
    line.listening.clear()
    line.says(2, b"more than the endpoint takes")
    await line.settled()
    line.says(2, b"so it is read no further")
    assert not line.transport.reading
    line.pinged()

    line.protocol.keepalive_timeout()
    assert not line.transport.closing
    assert line.protocol.ping_timer is not None

    line.listening.set()
    await line.settled()
    assert line.transport.reading
    line.pinged()
    line.protocol.keepalive_timeout()
    assert line.transport.aborted
    line.protocol.connection_lost(None)
    await line.ended()


PING_FRAME, PONG_FRAME = 9, 10


@pytest.mark.parametrize("opcode", [PING_FRAME, PONG_FRAME])
async def test_a_flood_of_control_frames_ends_the_line_and_is_not_answered(
    line: Line, opcode: int, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(10 * MOST_CONTROL_FRAMES):
        line.says(opcode, b"")
    assert line.transport.aborted
    assert len(line.transport.written) <= 2 * MOST_CONTROL_FRAMES
    assert [record.message for record in caplog.records] == [
        f"{line.protocol.client}: more than {MOST_CONTROL_FRAMES} control frames within a second; cut"
    ]


async def test_a_message_in_countless_tiny_parts_ends_the_line(line: Line) -> None:
    line.protocol.data_received(bytes([0x02, 0x81, 0, 0, 0, 0]) + b"a")
    for _ in range(MOST_CONTROL_FRAMES + 1):
        line.protocol.data_received(bytes([0x00, 0x81, 0, 0, 0, 0]) + b"a")
    assert line.transport.aborted


async def test_a_peer_that_pings_now_and_then_is_answered(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(line.protocol, "loop", SimpleNamespace(time=lambda: now))
    for _ in range(10 * MOST_CONTROL_FRAMES):
        line.says(PING_FRAME, b"")
        now += 0.1
    assert not line.transport.aborted
    assert line.transport.written == b"\x8a\x00" * 10 * MOST_CONTROL_FRAMES


def test_uvicorn_is_configured_as_measured() -> None:
    config = uvicorn_config(print, LOCAL)

    assert (config.loop, config.http, config.ws) == ("uvloop", "httptools", WebSocketProtocol)
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


def test_a_free_port_is_listened_on_and_a_unix_socket_is_left_to_the_server() -> None:
    (listener,) = open_listeners(Listen("127.0.0.1", 0)) or []
    with listener:
        assert listener.getsockname()[0] == "127.0.0.1"
    assert open_listeners(Listen("127.0.0.1", 0, uds="/run/gateway.sock")) is None
