"""uvicorn's websocket as we extend it: lines that are cut, floods, and the extension; the transport is played."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from uvicorn.server import ServerState

from remote_service.relay import line as module_line
from remote_service.relay.detaching import Detached, Origin, detach_of
from remote_service.relay.frames import MOST_CONTROL_FRAMES, close_frame
from remote_service.relay.line import LINE_CUT
from remote_service.relay.takeover import MOST_EARLY, TAKEOVER, WebSocketProtocol, takeover_of
from remote_service.server import Listen, uvicorn_config
from remote_service.tasks import spawn
from tests.unit.relay.doubles import ViewerTransport
from tests.unit.relay.test_frames import frame

LOCAL = Listen("127.0.0.1", 8000)
UPGRADE = (
    b"GET /websockify?token=x HTTP/1.1\r\nHost: desk.example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Line:
    """A browser's connection and the application behind it."""

    def __init__(self) -> None:
        self.transport = ViewerTransport()
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


async def test_a_text_that_is_no_utf8_ends_the_line_without_a_traceback(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    line.says(1, "grüß Gott".encode())
    await line.settled()
    line.says(1, "grüß Gott".encode("latin-1"))
    await line.settled()
    assert line.transport.written == close_frame(1007, "a text message is no UTF-8")
    assert line.transport.closing
    assert [message["type"] for message in line.heard] == ["websocket.receive", "websocket.disconnect"]
    assert caplog.records == []
    line.protocol.connection_lost(None)
    assert (await line.ended())["code"] == 1007


@pytest.mark.parametrize(
    ("request_line", "answer"),
    [
        (b"GET /" + b"a" * 8192 + b" HTTP/1.1\r\n", b"HTTP/1.1 414 "),
        (b"GET / HTTP/1.1\r\nCookie: " + b"a" * 8192 + b"\r\n", b"HTTP/1.1 431 "),
        (b"GET / HTTP/1.1\r\nno header\r\n", b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"),
    ],
)
async def test_a_request_that_cannot_be_read_is_answered_at_once(request_line: bytes, answer: bytes) -> None:
    line = Line()
    line.protocol.data_received(request_line + UPGRADE.partition(b"\r\n")[2])
    assert line.transport.written.startswith(answer)
    assert line.transport.closing
    line.protocol.connection_lost(None)
    assert line.heard == []


async def test_a_refusal_with_a_status_of_its_own_is_no_mistake(caplog: pytest.LogCaptureFixture) -> None:
    line = Line()

    async def application(_scope: Any, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.http.response.start", "status": 429, "headers": [(b"retry-after", b"7")]})
        await send({"type": "websocket.http.response.body", "body": b"Later."})

    line.protocol._application = application
    line.protocol.data_received(UPGRADE)
    await line.settled()
    assert line.transport.written.startswith(b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\n")
    assert line.transport.written.endswith(b"\r\n\r\nLater.")
    assert line.transport.closing
    assert caplog.records == []
    line.protocol.connection_lost(None)


# ---- the extension ---------------------------------------------------------------------------------------


class TakenOver(Line):
    """A connection whose application takes it over, once it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may = asyncio.Event()
        self.may.set()
        self.ends = asyncio.Event()
        self.ours: module_line.Line | None = None

        async def application(scope: Any, receive: Receive, send: Send) -> None:
            await receive()
            take_over = takeover_of(scope)
            assert take_over is not None
            await self.may.wait()
            self.ours = await take_over({"type": "websocket.accept", "subprotocol": None})
            await self.ends.wait()

        self.protocol._application = application

    def data(self, data: bytes) -> None:
        """What comes reaches whom the transport belongs to."""
        self.transport.protocol.data_received(data)


async def test_the_line_is_taken_over_and_given_up_when_it_has_ended() -> None:
    line = TakenOver()
    await line.open()
    assert line.ours is line.transport.protocol
    assert line.protocol in line.state.connections
    assert line.protocol.ping_timer is None

    line.data(frame(2, b"hello"))
    assert await line.ours.receive() == {"type": "websocket.receive", "bytes": b"hello"}
    await line.ours.send({"type": "websocket.close", "code": 4008, "reason": "idle"})
    assert line.transport.written == close_frame(4008, "idle")
    line.ends.set()
    await line.settled()
    assert not line.transport.closing, "the peer's goodbye is waited for"

    line.data(frame(8, b"\x0f\xa8"))
    assert line.transport.closing
    line.ours.connection_lost(None)
    await asyncio.wait_for(asyncio.gather(*line.state.tasks), 5)
    assert line.protocol not in line.state.connections


@pytest.mark.parametrize("size", [7, MOST_EARLY + 7])
async def test_a_peer_that_does_not_wait_for_the_answer_is_read_by_who_takes_over(size: int) -> None:
    line = TakenOver()
    line.may.clear()
    early = frame(2, bytes(size))
    line.protocol.data_received(UPGRADE)
    line.protocol.data_received(early[:9])
    line.protocol.data_received(early[9:])
    await line.settled()
    assert line.transport.written == b""
    assert line.transport.reading is (size < MOST_EARLY)

    line.may.set()
    await line.settled()
    assert line.ours is not None
    heard = 0
    while heard < size:
        heard += len((await line.ours.receive())["bytes"])
    assert heard == size
    assert line.transport.reading
    line.ours.connection_lost(None)
    line.ends.set()


@pytest.mark.parametrize("size", [7, MOST_EARLY + 7])
async def test_and_by_an_application_that_does_not(size: int) -> None:
    line = Line()
    early = frame(2, bytes(size)) + frame(9, b"?")
    line.protocol.data_received(UPGRADE)
    line.protocol.data_received(early[:9])
    line.protocol.data_received(early[9:])
    await line.settled()

    assert line.heard == [{"type": "websocket.receive", "bytes": bytes(size)}]
    assert line.transport.written.startswith(b"HTTP/1.1 101 ")
    assert line.transport.written.endswith(b"\x8a\x01?"), "the answer to the ping is behind the answer to the upgrade"
    line.protocol.connection_lost(None)
    await line.ended()


async def test_a_viewer_that_takes_no_more_is_known_to_do_so(monkeypatch: pytest.MonkeyPatch) -> None:
    line = TakenOver()
    monkeypatch.setattr(line.transport, "write", lambda _data: line.protocol.pause_writing())
    line.protocol.data_received(UPGRADE)
    await line.settled()
    monkeypatch.undo()
    assert line.ours is not None

    sending = spawn(line.ours.send({"type": "websocket.send", "bytes": b"picture"}), name="picture")
    await line.settled()
    assert line.transport.written == b""
    line.ours.resume_writing()
    await sending
    assert line.transport.written.endswith(b"picture")
    line.ours.connection_lost(None)
    line.ends.set()


async def test_when_the_server_stops_a_line_that_was_taken_over_is_told() -> None:
    line = TakenOver()
    await line.open()
    line.protocol.shutdown()
    assert line.transport.written == close_frame(1012, "The server was stopped.")
    assert line.ours is not None
    assert await line.ours.receive() == {"type": "websocket.disconnect", "code": 1012}
    line.ours.connection_lost(None)
    line.ends.set()


async def test_an_application_that_fails_ends_the_line_as_a_mistake_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    line = TakenOver()
    line.ends.wait = _fail  # type: ignore[method-assign,assignment]
    line.protocol.data_received(UPGRADE)
    await line.settled()
    assert line.transport.written.endswith(close_frame(1011))
    assert line.ours is not None
    line.ours.connection_lost(None)
    await asyncio.wait_for(asyncio.gather(*line.state.tasks), 5)
    assert "ZeroDivisionError" in caplog.text


async def _fail() -> None:
    raise ZeroDivisionError


def test_other_servers_have_no_such_extension() -> None:
    assert takeover_of({"type": "websocket"}) is None
    assert takeover_of({"type": "websocket", "extensions": None}) is None
    assert takeover_of({"type": "websocket", "extensions": {"websocket.http.response": {}}}) is None


# ---- giving the socket away ------------------------------------------------------------------------------


class Socketed(ViewerTransport):
    """A transport over a real socket."""

    def __init__(self) -> None:
        super().__init__()
        self.viewer, self.ours = socket.socketpair()
        self.viewer.settimeout(5.0)
        self.tls = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        found = {"socket": self.ours, "sslcontext": "a context" if self.tls else None}
        return found.get(name, default)

    def abort(self) -> None:
        super().abort()
        self.ours.close()
        assert isinstance(self.protocol, asyncio.Protocol)
        asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def clean_up(self) -> None:
        self.viewer.close()
        self.ours.close()


class GivenAway(Line):
    """A connection whose application gives its socket away, once it may, and lets go of it when it has been given."""

    def __init__(self, transport: Socketed, origin: Origin | None = None) -> None:
        super().__init__()
        self.transport: Socketed = transport
        self.protocol.connection_lost(None)
        config = self.protocol.config
        self.state = ServerState()
        self.protocol = WebSocketProtocol(config, self.state, {}, origin=origin)
        transport.protocol = self.protocol
        self.protocol.connection_made(transport)
        self.may, self.given = asyncio.Event(), asyncio.Event()
        self.may.set()
        self.offered: dict[str, Any] = {}
        self.detached: Detached | None = None
        self.fault: OSError | None = None

        async def application(scope: Any, receive: Receive, send: Send) -> None:
            await receive()
            self.offered = scope["extensions"]
            detach = detach_of(scope)
            assert detach is not None
            await self.may.wait()
            try:
                self.detached = await detach({"type": "websocket.accept", "subprotocol": None})
            except OSError as error:
                self.fault = error
                return
            with self.detached:
                await self.given.wait()

        self.protocol._application = application

    async def over(self) -> None:
        self.given.set()
        await asyncio.wait_for(asyncio.gather(*self.state.tasks), 5)


@pytest.fixture
def socketed() -> Iterator[Socketed]:
    made = Socketed()
    yield made
    made.clean_up()


async def test_a_socket_that_is_given_away_is_granted_and_open_until_it_is_let_go(
    socketed: Socketed, caplog: pytest.LogCaptureFixture
) -> None:
    line = GivenAway(socketed)
    line.protocol.data_received(UPGRADE)
    await line.settled()

    assert line.detached is not None
    assert line.detached.answer.startswith(b"HTTP/1.1 101 ")
    assert socketed.written == b"", "whoever gets it answers"
    assert not socketed.reading
    assert (line.detached.most_message, line.detached.early) == (line.protocol.config.ws_max_size, b"")
    assert line.detached.tunnel is None
    assert line.protocol.ping_timer is None
    assert line.protocol in line.state.connections
    assert line.detached.websocket is not None
    with line.detached.websocket.dup() as theirs:
        await line.over()
        assert line.detached.websocket.fileno() == socketed.ours.fileno() == -1, (
            "this process has nothing to do with it"
        )
        theirs.sendall(b"picture")
        assert socketed.viewer.recv(100) == b"picture"
    assert line.protocol not in line.state.connections
    assert caplog.records == []


async def test_what_its_peer_sent_early_goes_with_it(socketed: Socketed) -> None:
    line = GivenAway(socketed)
    line.may.clear()
    early = frame(2, b"does not wait for the answer")
    line.protocol.data_received(UPGRADE)
    line.protocol.data_received(early[:9])
    line.protocol.data_received(early[9:])
    line.may.set()
    await line.settled()

    assert line.detached is not None
    assert line.detached.early == early
    await line.over()


async def test_it_is_not_given_away_before_what_went_ahead_of_it_is_out(socketed: Socketed) -> None:
    line = GivenAway(socketed)
    line.protocol.pause_writing()
    line.protocol.data_received(UPGRADE)
    await line.settled()
    assert line.detached is None

    line.protocol.resume_writing()
    await line.settled()
    assert line.detached is not None
    await line.over()


async def test_a_peer_that_goes_meanwhile_is_not_given_away(socketed: Socketed) -> None:
    line = GivenAway(socketed)
    line.protocol.pause_writing()
    line.protocol.data_received(UPGRADE)
    await line.settled()

    line.protocol.connection_lost(ConnectionResetError())
    await line.over()
    assert line.detached is None
    assert str(line.fault) == "the viewer left before its websocket could be handed over"


async def test_out_of_a_tunnel_no_socket_is_given_away_but_a_number(socketed: Socketed) -> None:
    line = GivenAway(socketed, Origin(("192.0.2.7", 41234), 7))
    line.protocol.data_received(UPGRADE)
    await line.settled()

    assert (line.protocol.client, line.protocol.scheme) == (("192.0.2.7", 41234), "wss")
    assert line.detached is not None
    assert (line.detached.tunnel, line.detached.websocket) == (7, None)
    assert not socketed.aborted
    await line.over()
    assert socketed.aborted


async def test_under_tls_a_socket_cannot_be_given_away(socketed: Socketed) -> None:
    socketed.tls = True
    line = GivenAway(socketed)
    offered: list[dict[str, Any]] = []

    async def application(scope: Any, receive: Receive, send: Send) -> None:
        await receive()
        offered.append(scope["extensions"])
        await send({"type": "websocket.accept"})

    line.protocol._application = application
    line.protocol.data_received(UPGRADE)
    await line.settled()
    assert [set(extensions) for extensions in offered] == [{"websocket.http.response", TAKEOVER}]
    line.protocol.connection_lost(None)
    await line.over()


def test_other_servers_cannot_give_theirs_away() -> None:
    assert detach_of({"type": "websocket"}) is None
    assert detach_of({"type": "websocket", "extensions": None}) is None
    assert detach_of({"type": "websocket", "extensions": {TAKEOVER: print}}) is None
