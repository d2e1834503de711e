"""One stream to an endpoint: bytes in pieces, backpressure both ways; first with a fake transport, then for real."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from remote_service.endpoints import Endpoint
from remote_service.relay.upstream import MOST_UNREAD, MOST_UNSENT, Upstream, connect
from tests.unit.relay.doubles import Transport
from tests.waiting import eventually_async


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture
async def upstream(transport: Transport) -> Upstream:
    made = Upstream()
    made.connection_made(transport)
    return made


async def test_what_arrives_together_is_read_as_one_piece(upstream: Upstream) -> None:
    upstream.data_received(b"RFB ")
    upstream.data_received(b"003.008\n")

    assert await upstream.read() == b"RFB 003.008\n"


async def test_reading_waits_for_something(upstream: Upstream) -> None:
    asyncio.get_running_loop().call_soon(upstream.data_received, b"late")

    assert await upstream.read() == b"late"


async def test_what_came_before_the_end_is_read_before_it(upstream: Upstream) -> None:
    upstream.data_received(b"last words")
    upstream.connection_lost(None)

    assert await upstream.read() == b"last words"
    assert await upstream.read() == b""
    assert await upstream.read() == b""


async def test_the_end_wakes_who_reads(upstream: Upstream) -> None:
    asyncio.get_running_loop().call_soon(upstream.connection_lost, ConnectionResetError())

    assert await upstream.read() == b""


async def test_what_was_read_too_much_comes_first_again(upstream: Upstream) -> None:
    upstream.data_received(b"RFB 003.008\n\x01")
    begin = await upstream.read()

    upstream.unread(begin[12:])
    upstream.data_received(b"\x02")
    upstream.unread(b"")

    assert await upstream.read() == b"\x01\x02"


async def test_reading_pauses_when_enough_waits_and_goes_on_once_it_is_taken(
    upstream: Upstream, transport: Transport
) -> None:
    half = bytes(MOST_UNREAD // 2)
    upstream.data_received(half)
    assert transport.reading
    upstream.data_received(half)
    assert not transport.reading
    # The transport may have had more in its hands.
    upstream.data_received(b"more")

    assert len(await upstream.read()) == MOST_UNREAD + 4
    assert transport.reading


async def test_reading_is_not_resumed_after_the_end(upstream: Upstream, transport: Transport) -> None:
    upstream.data_received(bytes(MOST_UNREAD))
    upstream.connection_lost(None)

    assert len(await upstream.read()) == MOST_UNREAD
    assert not transport.reading


async def test_writing_waits_while_the_endpoint_takes_nothing(upstream: Upstream, transport: Transport) -> None:
    assert transport.high == MOST_UNSENT
    await upstream.write(b"one")
    upstream.pause_writing()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(upstream.write(b"two"), 0.01)
    assert transport.written == [b"one", b"two"], "it is kept, and its sender waits"

    asyncio.get_running_loop().call_soon(upstream.resume_writing)
    await asyncio.wait_for(upstream.drained(), 5)


async def test_who_waits_to_write_is_woken_by_the_end(upstream: Upstream, transport: Transport) -> None:
    upstream.pause_writing()
    asyncio.get_running_loop().call_later(0.01, upstream.connection_lost, None)

    await asyncio.wait_for(upstream.write(b"lost"), 5)
    await upstream.write(b"not even tried")

    assert transport.written == [b"lost"]


async def test_nothing_is_not_written(upstream: Upstream, transport: Transport) -> None:
    await upstream.write(b"")

    assert transport.written == []


async def test_closing_drops_what_was_not_sent(upstream: Upstream, transport: Transport) -> None:
    upstream.close()

    assert transport.aborted


async def test_closing_without_a_connection_is_no_harm() -> None:
    upstream = Upstream()

    upstream.close()
    upstream.send(b"nobody hears it")


# ---- for real --------------------------------------------------------------------------------------------


@asynccontextmanager
async def listening(path: Path | None = None) -> AsyncIterator[Endpoint]:
    """A server that sends back what it gets."""

    gone: list[asyncio.Event] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gone.append(asyncio.Event())
        left = gone[-1]
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()
        await writer.wait_closed()
        left.set()

    if path is None:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        endpoint = Endpoint.tcp("127.0.0.1", server.sockets[0].getsockname()[1])
    else:
        server = await asyncio.start_unix_server(echo, path)
        endpoint = Endpoint.unix(path)
    async with server:
        yield endpoint
        for left in gone:
            await left.wait()


@pytest.mark.parametrize("kind", ["tcp", "unix"])
async def test_it_connects_to_the_endpoints_of_sessions(kind: str, tmp_path: Path) -> None:
    async with listening(tmp_path / "vnc.sock" if kind == "unix" else None) as endpoint:
        upstream = await connect(endpoint, timeout=5)
        await upstream.write(b"hello")

        assert await upstream.read() == b"hello"
        upstream.close()
        assert await upstream.read() == b""


async def test_nobody_there_is_an_error(tmp_path: Path) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            await connect(Endpoint.tcp("127.0.0.1", bound.getsockname()[1]), timeout=5)
    with pytest.raises(FileNotFoundError):
        await connect(Endpoint.unix(tmp_path / "none"), timeout=5)


async def test_a_socket_must_belong_to_whom_scripts_run_as(tmp_path: Path) -> None:
    async with listening(tmp_path / "vnc.sock") as endpoint:
        ours = await connect(endpoint, timeout=5, owner=os.getuid())
        await ours.write(b"hello")
        assert await ours.read() == b"hello"
        ours.close()
        with pytest.raises(OSError) as caught:
            await connect(endpoint, timeout=5, owner=os.getuid() + 1)

    assert str(caught.value) == (
        f"it belongs to uid {os.getuid()}; expected uid {os.getuid() + 1}, as which scripts run"
    )


async def test_a_link_to_a_socket_is_not_followed(tmp_path: Path) -> None:
    link = tmp_path / "link.sock"
    async with listening(tmp_path / "vnc.sock"):
        link.symlink_to(tmp_path / "vnc.sock")
        with pytest.raises(OSError) as caught:
            await connect(Endpoint.unix(link), timeout=5)

    assert str(caught.value) == "it is no socket; expected one, not a link or a file"


async def test_a_file_is_no_socket(tmp_path: Path) -> None:
    file = tmp_path / "vnc.sock"
    file.touch()

    with pytest.raises(OSError) as caught:
        await connect(Endpoint.unix(file), timeout=5)

    assert str(caught.value) == "it is no socket; expected one, not a link or a file"


async def test_an_endpoint_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*_arguments: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", hang)

    with pytest.raises(TimeoutError) as caught:
        await connect(Endpoint.tcp("n8", 5901), timeout=0.01)

    assert str(caught.value) == "tcp:n8:5901 did not answer within 0.01 s"


async def test_a_fast_endpoint_is_held_back_by_who_does_not_read() -> None:
    sent = 0

    async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while not writer.is_closing():
            writer.write(bytes(65536))
            sent += 65536
            try:
                await writer.drain()
            except ConnectionError:
                return

    async with await asyncio.start_server(flood, "127.0.0.1", 0) as server:
        upstream = await connect(Endpoint.tcp("127.0.0.1", server.sockets[0].getsockname()[1]), timeout=5)
        await upstream.read()
        seen = [0, 1]

        def stands_still() -> bool:
            seen.append(sent)
            return len(set(seen[-20:])) == 1

        await eventually_async(stands_still, within=20)
        waiting = len(await upstream.read())
        upstream.close()

    # One helping of the transport may come on top (uvloop reads 256 KB at once, asyncio as much).
    assert waiting <= MOST_UNREAD + 256 * 1024
