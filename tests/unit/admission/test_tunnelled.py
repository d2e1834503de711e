"""HTTP out of a tunnel: it begins with who the client is, and the application hears that one."""

from __future__ import annotations

from typing import Any

import pytest
from uvicorn.server import ServerState

from remote_service.admission.tunnelled import MOST_PREAMBLE, TunnelledHttp
from remote_service.relay.detaching import DETACH
from remote_service.server import Listen, uvicorn_config
from tests.unit.relay.doubles import ViewerTransport
from tests.unit.relay.test_takeover import UPGRADE
from tests.waiting import eventually_async

PREAMBLE = b'{"client": ["192.0.2.7", 41234], "tunnel": "seven"}\n'
GET = b"GET / HTTP/1.1\r\nHost: desk.example.org\r\n\r\n"


class Tunnel:
    """One of them, and the scopes of the application behind it."""

    def __init__(self) -> None:
        self.scopes: list[dict[str, Any]] = []
        self.detached: list[Any] = []
        self.transport = ViewerTransport()

        async def application(scope: Any, receive: Any, send: Any) -> None:
            self.scopes.append(scope)
            if scope["type"] == "websocket":
                await receive()
                self.detached.append(await scope["extensions"][DETACH]({"type": "websocket.accept"}))
                return
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        config = uvicorn_config(application, Listen("127.0.0.1", 8443, tunnelled=True))
        config.load()
        self.protocol = TunnelledHttp(config, ServerState(), {})
        self.protocol.connection_made(self.transport)


@pytest.mark.parametrize("cut", [0, 1, len(PREAMBLE) - 1, len(PREAMBLE), len(PREAMBLE) + 5])
async def test_the_application_hears_who_asks_and_that_it_is_under_tls(cut: int) -> None:
    tunnel = Tunnel()
    for piece in ((PREAMBLE + GET)[:cut], (PREAMBLE + GET)[cut:]):
        tunnel.protocol.data_received(piece)

    await eventually_async(lambda: b"204" in tunnel.transport.written)
    assert (tunnel.scopes[0]["client"], tunnel.scopes[0]["scheme"]) == (("192.0.2.7", 41234), "https")


async def test_who_comes_through_a_unix_socket_has_no_address() -> None:
    tunnel = Tunnel()
    tunnel.protocol.data_received(b'{"client": null, "tunnel": "seven"}\n' + GET)

    await eventually_async(lambda: b"204" in tunnel.transport.written)
    assert (tunnel.scopes[0]["client"], tunnel.scopes[0]["scheme"]) == (None, "https")


async def test_a_websocket_is_given_away_by_the_name_of_its_tunnel() -> None:
    tunnel = Tunnel()
    tunnel.protocol.data_received(PREAMBLE + UPGRADE)

    await eventually_async(lambda: tunnel.detached)

    (scope,) = tunnel.scopes
    assert (scope["client"], scope["scheme"]) == (("192.0.2.7", 41234), "wss")
    (detached,) = tunnel.detached
    assert (detached.tunnel, detached.websocket) == ("seven", None)
    assert detached.answer.startswith(b"HTTP/1.1 101 ")
    assert tunnel.transport.written == b"", "whoever has the client answers"
    with detached:
        assert not tunnel.transport.aborted
    assert tunnel.transport.aborted


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.1\r\n",
        b"[]\n",
        b'{"client": []}\n',
        b'{"client": ["a", "b"], "tunnel": 1}\n',
        bytes(MOST_PREAMBLE),
    ],
)
async def test_what_begins_otherwise_comes_from_nobody_of_ours(line: bytes) -> None:
    tunnel = Tunnel()
    tunnel.protocol.data_received(line)
    assert tunnel.transport.aborted
