"""uvicorn's HTTP with our bounds; the transport and the application are played."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from uvicorn.server import ServerState

from remote_service.admission.http import MOST_BODY, MOST_HEADERS, MOST_LINE, MOST_LINES, HttpProtocol
from remote_service.relay.takeover import WebSocketProtocol
from remote_service.server import Listen, uvicorn_config
from tests.unit.relay.doubles import ViewerTransport

TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
TOO_MUCH = b"HTTP/1.1 413 Request Entity Too Large\r\n"
TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\n"
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class ClientTransport(ViewerTransport):
    unsent = 0

    def get_write_buffer_size(self) -> int:
        return self.unsent


class Client:
    """A connection and the application behind it, which answers once it has read all."""

    def __init__(self) -> None:
        self.transport = ClientTransport()
        self.bodies: list[bytes] = []
        self.gone = 0
        self.may = asyncio.Event()
        self.may.set()
        self.answer = b"hello"

        async def application(scope: Any, receive: Any, send: Any) -> None:
            body, more = b"", True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    self.gone += 1
                    return
                body, more = body + message["body"], message["more_body"]
            await self.may.wait()
            self.bodies.append(body)
            length = str(len(self.answer)).encode()
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
            await send({"type": "http.response.body", "body": self.answer})

        config = uvicorn_config(application, Listen("127.0.0.1", 8000))
        config.load()
        self.state = ServerState()
        self.protocol = HttpProtocol(config, self.state, {}, asyncio.get_running_loop())
        self.protocol.connection_made(self.transport)
        self.keeper = self.protocol._keeper

    async def says(self, data: bytes) -> bytes:
        """What it is answered."""
        before = len(self.transport.written)
        self.protocol.data_received(data)
        for _ in range(20):
            await asyncio.sleep(0)
        return self.transport.written[before:]

    @property
    def waits(self) -> list[str]:
        """For what the server waits."""
        return [name for name in ("headers", "bodies", "answers", "idle")
                if self.protocol in getattr(self.keeper, name)]  # fmt: skip


@pytest.fixture
async def client() -> Any:
    made = Client()
    yield made
    made.protocol.connection_lost(None)
    assert made.waits == []


async def test_a_request_is_answered_and_the_next_one_too(client: Client) -> None:
    assert client.waits == ["headers"]
    assert (await client.says(GET)).endswith(b"hello")
    assert client.waits == ["idle"]
    assert await client.says(b"GET / HTTP/1.1\r\n") == b""
    assert client.waits == ["headers"]
    assert (await client.says(b"Host: x\r\n\r\n")).endswith(b"hello")
    assert not client.transport.closing


async def test_a_body_is_waited_for(client: Client) -> None:
    await client.says(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
    assert client.waits == ["bodies"]
    assert (await client.says(b"def")).endswith(b"hello")
    assert client.bodies == [b"abcdef"]


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * MOST_LINE + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + b"a" * MOST_LINE + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * MOST_LINES + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + (b"A: " + b"b" * 8000 + b"\r\n") * 5 + b"\r\n",
    ],
    ids=["address", "line", "lines", "all together"],
)
async def test_headers_that_are_too_large_are_told_so_at_once(client: Client, head: bytes) -> None:
    answer = await client.says(head + b"what follows\r\n\r\n" + GET)
    assert answer.startswith(TOO_LARGE)
    assert answer.endswith(b"connection: close\r\n\r\nRequest Header Fields Too Large\n")
    assert client.transport.ended
    assert client.bodies == []
    assert await client.says(GET) == b"", "what else comes is thrown away"


async def test_headers_without_end_are_told_so_too(client: Client) -> None:
    assert await client.says(b"GET / HTTP/1.1\r\nHost: x\r\nX: ") == b""
    for _ in range(MOST_HEADERS // 1024):
        assert await client.says(b"a" * 1024) == b""
    assert (await client.says(b"a")).startswith(TOO_LARGE)


async def test_an_upgrade_with_headers_that_are_too_large_is_told_so(client: Client) -> None:
    upgrade = b"GET /websockify HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    answer = await client.says(upgrade + b"Cookie: " + b"a" * MOST_LINE + b"\r\n\r\n")
    assert answer.startswith(TOO_LARGE)
    assert client.transport.protocol is None


async def test_an_upgrade_is_the_websockets_business(client: Client) -> None:
    await client.says(
        b"GET /websockify HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert isinstance(client.transport.protocol, WebSocketProtocol)
    assert client.waits == []
    client.transport.protocol.connection_lost(None)


async def test_a_body_that_is_announced_as_too_large_is_refused_before_it_comes(client: Client) -> None:
    head = b"POST /login/ HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (MOST_BODY + 1)
    answer = await client.says(head + b"abc")
    assert answer.startswith(TOO_MUCH)
    assert (client.bodies, client.gone) == ([], 0)


async def test_a_body_that_grows_too_large_is_refused_and_its_application_told(client: Client) -> None:
    await client.says(b"POST /login/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    part = b"10000\r\n" + bytes(65536) + b"\r\n"
    for _ in range(MOST_BODY // 65536):
        assert await client.says(part) == b""
    assert (await client.says(part)).startswith(TOO_MUCH)
    assert (client.bodies, client.gone) == ([], 1)


async def test_what_surrounds_the_chunks_of_a_body_is_bounded_too(client: Client) -> None:
    await client.says(b"POST /login/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    part = b"1\r\na\r\n" * 10_000
    for _ in range(2 * MOST_BODY // len(part)):
        assert await client.says(part) == b""
    assert (await client.says(part)).startswith(TOO_MUCH)
    assert client.gone == 1


async def test_nor_do_trailers_without_end_fill_the_memory(client: Client) -> None:
    await client.says(b"POST /login/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
    headers = len(client.protocol.headers)
    part = b"X: y\r\n" * 10_000
    for _ in range(2 * MOST_BODY // len(part)):
        await client.says(part)
    assert len(client.protocol.headers) == headers
    assert (await client.says(part)).startswith(TOO_MUCH)


async def test_a_body_of_the_largest_size_is_taken(client: Client) -> None:
    await client.says(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % MOST_BODY)
    assert (await client.says(bytes(MOST_BODY))).endswith(b"hello")


# ---- lateness: `doorkeeper` says when ------------------------------------------------------------------------


async def test_who_says_nothing_is_left_without_a_word(client: Client) -> None:
    client.protocol.late()
    assert client.transport.closing
    assert client.transport.written == b""


async def test_who_does_not_finish_its_headers_is_told_so(client: Client) -> None:
    await client.says(b"GET / HTTP/1.1\r\nHost")
    client.protocol.late()
    assert client.transport.written.startswith(TOO_LATE)


async def test_who_does_not_finish_its_body_is_told_so_and_its_application_too(client: Client) -> None:
    await client.says(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
    client.protocol.late_body()
    assert client.transport.written.startswith(TOO_LATE)
    await client.says(b"def")
    assert (client.bodies, client.gone) == ([], 1)


async def test_whom_we_do_not_read_is_not_late(client: Client) -> None:
    await client.says(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
    client.protocol.flow.pause_reading()
    client.protocol.late_body()
    assert client.waits == ["bodies"]
    assert client.transport.written == b""


async def test_an_answer_that_has_begun_is_not_followed_by_another(client: Client) -> None:
    await client.says(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
    client.protocol.cycle.response_started = True
    client.protocol.late_body()
    assert client.transport.aborted
    assert client.transport.written == b""


async def test_who_reads_no_answer_is_waited_for(client: Client) -> None:
    await client.says(GET)
    client.transport.unsent = 70_000
    client.protocol.pause_writing()
    assert client.waits == ["answers", "idle"]
    client.protocol.resume_writing()
    assert client.waits == ["idle"]


async def test_nor_is_one_that_reads_none_after_the_last_answer_left_alone(client: Client) -> None:
    client.transport.unsent = 5
    await client.says(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert client.transport.closing
    assert client.waits == ["answers"]
    client.protocol.resume_writing()
    assert client.waits == ["answers"]


async def test_what_is_no_http_is_answered_once(client: Client) -> None:
    assert (await client.says(b"hello\r\n\r\n")).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert client.transport.closing


async def test_over_tls_a_refused_connection_is_closed(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client.transport, "can_write_eof", lambda: False)
    await client.says(b"GET /" + b"a" * MOST_LINE + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert client.transport.closing
    assert not client.transport.ended


async def test_one_that_is_closing_is_refused_nothing(client: Client) -> None:
    client.protocol.late()
    client.protocol.late_body()
    assert client.transport.written == b""


def test_a_form_may_be_as_large_as_django_takes_it(settings: Any) -> None:
    assert MOST_BODY == settings.DATA_UPLOAD_MAX_MEMORY_SIZE
