"""One stream to an endpoint: bytes in pieces, backpressure both ways; first with a fake transport, then for real."""

from __future__ import annotations

import asyncio

import pytest

from remote_service.relay.upstream import MOST_UNREAD, MOST_UNSENT, Upstream
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
        loop = asyncio.get_running_loop()
        _, upstream = await loop.create_connection(Upstream, *server.sockets[0].getsockname())
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
