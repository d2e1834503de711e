"""TLS in front of the pages: what passes a tunnel, and how its client becomes a viewer. TLS itself is not played."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from remote_service.actors import Actor
from remote_service.relay.frames import Opcode
from remote_service.relay.watch import Grant
from remote_service.relay_process import front as module
from remote_service.relay_process import goodbye
from remote_service.relay_process.front import MOST_HELD, Front, Tunnel
from remote_service.relay_process.messages import Handover
from tests.unit.relay.doubles import ViewerTransport
from tests.unit.relay.test_frames import frame
from tests.waiting import eventually_async

GET = b"GET / HTTP/1.1\r\nHost: desk.example.org\r\n\r\n"
UPGRADE = (
    b"GET /websockify HTTP/1.1\r\nHost: desk.example.org\r\nConnection: Upgrade\r\nUPGRADE: WebSocket\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)
GRANT = Grant(uuid.UUID(int=1), 1, "login", Actor("alice", "192.0.2.7", "websocket"))
ANSWER = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


class ClientTransport(ViewerTransport):
    """A client under TLS, which takes nothing at the end."""

    socket: ClassVar[socket.socket]
    peer: ClassVar[tuple[str, int] | str] = ("192.0.2.7", 41234)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": self.peer, "socket": self.socket}.get(name, default)


@pytest.fixture(autouse=True)
def silent_client(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    here, there = socket.socketpair()
    with here, there:
        monkeypatch.setattr(ClientTransport, "socket", here, raising=False)
        yield


class Pages:
    """A page process: what came through its only tunnel, and what it says there."""

    def __init__(self) -> None:
        self.heard = b""
        self.left = False
        self.writer: asyncio.StreamWriter | None = None

    async def come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        while data := await reader.read(65536):
            self.heard += data
        self.left = True
        writer.close()

    def says(self, data: bytes) -> None:
        assert self.writer is not None
        self.writer.write(data)

    def hangs_up(self) -> None:
        assert self.writer is not None
        self.writer.close()


@asynccontextmanager
async def pages_at(path: Path) -> AsyncIterator[Pages]:
    pages = Pages()
    server = await asyncio.start_unix_server(pages.come, path)
    try:
        yield pages
    finally:
        server.close()
        if pages.writer is not None:
            pages.writer.close()


def come(front: Front, name: str = "seven") -> tuple[Tunnel, ClientTransport]:
    """A client comes."""
    transport = ClientTransport()
    tunnel = Tunnel(front, name)
    tunnel.connection_made(transport)
    return tunnel, transport


async def test_pages_hear_first_who_the_client_is(tmp_path: Path) -> None:
    async with pages_at(tmp_path / "pages.sock") as pages:
        tunnel, _client = come(Front(tmp_path / "pages.sock"))
        tunnel.data_received(GET[:9])
        await eventually_async(lambda: pages.heard.endswith(GET[:9]))
        tunnel.data_received(GET[9:])
        await eventually_async(lambda: pages.heard.endswith(GET))

        line, _found, rest = pages.heard.partition(b"\n")
        assert json.loads(line) == {"client": ["192.0.2.7", 41234], "tunnel": "seven"}
        assert rest == GET


async def test_who_comes_through_a_unix_socket_has_no_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ClientTransport, "peer", "")
    async with pages_at(tmp_path / "pages.sock") as pages:
        come(Front(tmp_path / "pages.sock"))
        await eventually_async(lambda: pages.heard)
        assert json.loads(pages.heard) == {"client": None, "tunnel": "seven"}


async def test_bytes_pass_both_ways_until_one_hangs_up(tmp_path: Path) -> None:
    async with pages_at(tmp_path / "pages.sock") as pages:
        front = Front(tmp_path / "pages.sock")
        tunnel, client = come(front)
        tunnel.data_received(GET + GET)
        await eventually_async(lambda: pages.heard.endswith(GET + GET))
        pages.says(b"HTTP/1.1 200 OK\r\n\r\n")
        await eventually_async(lambda: client.written == b"HTTP/1.1 200 OK\r\n\r\n")

        pages.hangs_up()
        await eventually_async(lambda: client.closing)
        tunnel.connection_lost(None)
        assert front.tunnels == {}


async def test_a_client_that_leaves_is_left_by_the_pages(tmp_path: Path) -> None:
    async with pages_at(tmp_path / "pages.sock") as pages:
        tunnel, _client = come(Front(tmp_path / "pages.sock"))
        await eventually_async(lambda: pages.heard)
        tunnel.connection_lost(None)
        await eventually_async(lambda: pages.left)


async def test_without_pages_a_client_is_sent_away(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _tunnel, client = come(Front(tmp_path / "pages.sock"))
    await eventually_async(lambda: client.closing)
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [
        "a client is sent away, since no process for pages can be reached: [Errno 2] No such file or directory"
    ]


async def test_who_asks_for_a_websocket_is_held_back_until_there_is_an_answer(tmp_path: Path) -> None:
    async with pages_at(tmp_path / "pages.sock") as pages:
        tunnel, client = come(Front(tmp_path / "pages.sock"))
        early = frame(Opcode.BINARY, b"early")
        for cut in (5, len(UPGRADE) - 1):
            tunnel.data_received((UPGRADE + early)[5 if cut != 5 else 0 : cut])
        tunnel.data_received((UPGRADE + early)[len(UPGRADE) - 1 :])
        tunnel.data_received(early)
        await eventually_async(lambda: pages.heard.endswith(UPGRADE))

        # It is not the relay's: what follows is theirs.
        pages.says(ANSWER)
        await eventually_async(lambda: pages.heard.endswith(UPGRADE + early + early))
        assert client.written == ANSWER


async def test_who_is_held_back_is_read_no_further_for_ever(tmp_path: Path) -> None:
    async with pages_at(tmp_path / "pages.sock") as pages:
        tunnel, client = come(Front(tmp_path / "pages.sock"))
        tunnel.data_received(UPGRADE)
        tunnel.data_received(bytes(MOST_HELD))
        await eventually_async(lambda: pages.heard.endswith(UPGRADE))
        assert not client.reading
        pages.says(ANSWER)
        await eventually_async(lambda: client.reading)


async def test_a_client_before_its_tunnel_stands_is_read_no_further_either(tmp_path: Path) -> None:
    async with pages_at(tmp_path / "pages.sock") as pages:
        tunnel, client = come(Front(tmp_path / "pages.sock"))
        tunnel.data_received(bytes(MOST_HELD))
        assert not client.reading
        await eventually_async(lambda: client.reading)
        await eventually_async(lambda: pages.heard.endswith(bytes(MOST_HELD)))


async def test_a_slow_client_holds_the_pages_back_and_the_other_way_round(tmp_path: Path) -> None:
    async with pages_at(tmp_path / "pages.sock") as pages:
        tunnel, client = come(Front(tmp_path / "pages.sock"))
        await eventually_async(lambda: pages.heard)
        tunnel.pause_writing()
        pages.says(b"later")
        tunnel.data_received(GET)
        await eventually_async(lambda: pages.heard.endswith(GET))
        assert client.written == b""
        tunnel.resume_writing()
        await eventually_async(lambda: client.written == b"later")

        tunnel.pages_full(True)
        assert not client.reading
        tunnel.pages_full(False)
        assert client.reading


# ---- screens ---------------------------------------------------------------------------------------------


async def test_who_is_granted_a_screen_is_a_viewer_from_then_on(tmp_path: Path) -> None:
    async with pages_at(tmp_path / "pages.sock") as pages:
        front = Front(tmp_path / "pages.sock")
        tunnel, client = come(front)
        tunnel.data_received(UPGRADE + frame(Opcode.BINARY, b"early"))
        await eventually_async(lambda: pages.heard.endswith(UPGRADE))

        line = front.line_of(Handover(GRANT, 1000, ANSWER, b"", "seven"))

        assert (client.written, client.protocol) == (ANSWER, line)
        assert await line.receive() == {"type": "websocket.receive", "bytes": b"early"}
        await eventually_async(lambda: pages.left)
        assert not client.closing
        assert front.tunnels == {}
        line.connection_lost(None)


async def test_a_handover_may_come_after_its_page_process_has_hung_up(tmp_path: Path) -> None:
    async with pages_at(tmp_path / "pages.sock") as pages:
        front = Front(tmp_path / "pages.sock")
        tunnel, client = come(front)
        tunnel.data_received(UPGRADE)
        await eventually_async(lambda: pages.heard.endswith(UPGRADE))
        pages.hangs_up()
        await eventually_async(lambda: pages.left)

        line = front.line_of(Handover(GRANT, 1000, ANSWER, b"", "seven"))

        assert not client.closing
        line.connection_lost(None)


async def test_one_that_never_comes_ends_the_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HANDOVER_PATIENCE", 0.01)
    async with pages_at(tmp_path / "pages.sock") as pages:
        tunnel, client = come(Front(tmp_path / "pages.sock"))
        tunnel.data_received(UPGRADE)
        await eventually_async(lambda: pages.heard.endswith(UPGRADE))
        pages.hangs_up()
        await eventually_async(lambda: client.closing)


async def test_a_viewer_that_has_left_has_no_line(tmp_path: Path) -> None:
    with pytest.raises(ConnectionResetError, match=r"^the viewer left while its websocket was granted$"):
        Front(tmp_path / "pages.sock").line_of(Handover(GRANT, 1000, ANSWER, b"", "seven"))


async def test_when_it_ends_all_clients_go(tmp_path: Path) -> None:
    async with pages_at(tmp_path / "pages.sock") as pages:
        front = Front(tmp_path / "pages.sock")
        _tunnel, client = come(front)
        await eventually_async(lambda: pages.heard)
        front.close()
        assert client.closing


async def test_a_handover_for_a_relay_that_has_died_leads_to_nobody(tmp_path: Path) -> None:
    """Whoever came to the next one must not be taken for the viewer."""
    async with pages_at(tmp_path / "pages.sock") as pages:
        front = Front(tmp_path / "pages.sock")
        _tunnel, client = come(front, "another")
        await eventually_async(lambda: pages.heard)
        with pytest.raises(ConnectionResetError):
            front.line_of(Handover(GRANT, 1000, ANSWER, b"", "seven"))
        assert (client.written, client.closing) == (b"", False)


async def test_a_line_outlives_the_pages_end_of_its_tunnel(tmp_path: Path) -> None:
    async with pages_at(tmp_path / "pages.sock") as pages:
        front = Front(tmp_path / "pages.sock")
        tunnel, client = come(front)
        tunnel.data_received(GET + UPGRADE)  # not the first request of its connection
        await eventually_async(lambda: pages.heard.endswith(UPGRADE))

        line = front.line_of(Handover(GRANT, 1000, ANSWER, b"", "seven"))
        await eventually_async(lambda: pages.left)

        assert not client.closing
        line.connection_lost(None)


async def test_clients_leave_descriptors_for_viewers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "most_tunnels", lambda: 1)
    async with pages_at(tmp_path / "pages.sock") as pages:
        front = Front(tmp_path / "pages.sock")
        come(front, "first")
        await eventually_async(lambda: pages.heard)
        tunnel, client = come(front, "second")
        assert client.aborted
        tunnel.connection_lost(None)
        assert list(front.tunnels) == ["first"]


async def test_who_takes_nothing_at_the_end_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(goodbye, "PATIENCE", 0.01)
    tunnel, client = come(Front(tmp_path / "pages.sock"))
    tunnel.close()
    await eventually_async(lambda: client.aborted)
