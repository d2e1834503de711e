"""Both ways in which the relay passes bytes, on both event loops, over real sockets and with TLS."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from remote_service.tasks import spawn
from tests.integration.certificates import self_signed
from tests.integration.pages import unverified
from tests.integration.serving import PROJECT, free_port
from tests.integration.streams import Stream, closed
from tests.unit.relay.test_frames import frame
from tests.waiting import eventually, eventually_async

KINDS = [
    ("takeover", "uvloop", False),
    ("takeover", "uvloop", True),
    ("takeover", "asyncio", False),
    ("takeover", "asyncio", True),
    ("portable", "uvloop", False),
    ("portable", "asyncio", True),
]
MEGABYTE = bytes(range(256)) * 4096
LATE = "/late/websockify"
"""See `bare_relay`."""
STALL = 1.5
"""Seconds without anybody reading."""
GROWTH = 2 * 1024 * 1024
"""Bytes; the bound is 1 MiB a stream, and the process itself breathes."""
UPGRADE = (
    b"GET /websockify HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Kind(NamedTuple):
    """How a relay runs."""

    tier: str
    loop: str
    tls: bool
    ping: float = 15.0


async def cut(writer: asyncio.StreamWriter) -> None:
    """Ends a connection at once."""
    writer.transport.abort()
    with suppress(ConnectionError):
        await writer.wait_closed()


class Relay:
    """A relay's process; the test plays both ends."""

    def __init__(self, kind: Kind, folder: Path) -> None:
        self.kind = kind
        self.port, self.endpoint_port = free_port(), free_port()
        options: dict[str, Any] = {"port": self.port, "endpoint": self.endpoint_port, **kind._asdict()}
        if options.pop("tls"):
            options["cert"], options["key"] = map(str, self_signed(folder))
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "sessions_config.settings"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.bare_relay", json.dumps(options)], cwd=PROJECT, env=environment
        )
        eventually(self._answers, within=30)

    def _answers(self) -> bool:
        assert self.process.poll() is None, "the relay ended"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def rss(self) -> int:
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def viewer(self, **options: Any) -> connect:
        scheme, context = ("wss", unverified()) if self.kind.tls else ("ws", None)
        return connect(
            f"{scheme}://127.0.0.1:{self.port}/websockify",
            **{
                "ssl": context, "compression": None, "max_size": None, "proxy": None, "ping_interval": None,
                "close_timeout": 2, **options,
            },
        )  # fmt: skip

    @asynccontextmanager
    async def raw(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection on which the test frames by itself."""
        context: ssl.SSLContext | None = unverified() if self.kind.tls else None
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context)
        try:
            yield reader, writer
        finally:
            await cut(writer)

    @asynccontextmanager
    async def endpoint(self, serve: Serve) -> AsyncIterator[None]:
        """An endpoint for as long as the block lasts."""

        async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await serve(reader, writer)
                writer.close()
                await writer.wait_closed()
            except ConnectionError:
                pass
            finally:
                await cut(writer)

        async def remembered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            serving.append(task)
            await served(reader, writer)

        serving: list[asyncio.Task[Any]] = []
        async with await asyncio.start_server(remembered, "127.0.0.1", self.endpoint_port):
            yield
            await asyncio.wait_for(asyncio.gather(*serving), 10)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: f"{kind[0]}-{kind[1]}-{'wss' if kind[2] else 'ws'}")
def relay(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    made = Relay(Kind(*request.param), tmp_path_factory.mktemp("relay"))
    yield made
    made.stop()


@pytest.fixture
def own_relay(tmp_path: Path) -> Iterator[Callable[[Kind], Relay]]:
    made: list[Relay] = []

    def start(kind: Kind) -> Relay:
        made.append(Relay(kind, tmp_path))
        return made[-1]

    yield start
    for each in made:
        each.stop()


async def standstill(count: Callable[[], int]) -> None:
    """Waits until all buffers are full."""
    async with asyncio.timeout(20):
        before = -1
        while (now := count()) != before:
            before = now
            await asyncio.sleep(STALL / 3)


# ---- bytes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(2))
async def test_bytes_pass_unchanged_whatever_their_chunks_parts_and_pauses(relay: Relay, seed: int) -> None:
    chance = random.Random(seed)
    up, down = chance.randbytes(3_000_000), chance.randbytes(3_000_000)
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def chunks(data: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(data):
            size = chance.choice([1, 125, 126, 65535, 65536, chance.randint(1, 100), chance.randint(1, 200_000)])
            yield data[at : at + size]
            at += size

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def talk() -> None:
            for chunk in chunks(down):
                writer.write(chunk)
                await writer.drain()
                if chance.random() < 0.05:
                    await asyncio.sleep(0.01)

        _, said = await asyncio.gather(talk(), reader.readexactly(len(up)))
        heard.set_result(said)
        await reader.read()

    async def talk(viewer: ClientConnection) -> None:
        for chunk in chunks(up):
            if chance.random() < 0.3 and len(chunk) > 2000:
                third = len(chunk) // 3
                await viewer.send([chunk[:third], chunk[third : 2 * third], chunk[2 * third :]])
            else:
                await viewer.send(chunk)
            if chance.random() < 0.05:
                await viewer.ping()
            if chance.random() < 0.05:
                await asyncio.sleep(0.01)

    async with relay.endpoint(serve), relay.viewer() as viewer:
        _, seen = await asyncio.gather(talk(viewer), Stream(viewer).read(len(down)))
        assert await asyncio.wait_for(heard, 20) == up
        await asyncio.wait_for(await viewer.ping(), 5)
    assert seen == down


async def test_a_server_that_speaks_first_may_say_a_megabyte_and_hang_up(relay: Relay) -> None:
    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(MEGABYTE)
        await writer.drain()

    async with relay.endpoint(serve), relay.viewer() as viewer:
        assert await Stream(viewer).read(len(MEGABYTE)) == MEGABYTE
        assert await closed(viewer) == (4011, "it hung up")


@pytest.mark.parametrize("size", [5, 70_000])
async def test_a_viewer_that_does_not_wait_for_the_answer_loses_nothing(relay: Relay, size: int) -> None:
    said = random.Random(size).randbytes(size)

    asked, said_all, connections = asyncio.Event(), asyncio.Event(), itertools.count()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if next(connections) == 0:
            asked.set()
            await said_all.wait()
            return
        writer.write(await reader.readexactly(size))
        await reader.read()

    async with asyncio.timeout(15), relay.endpoint(serve), relay.raw() as (reader, writer):
        writer.write(UPGRADE.replace(b"/websockify", LATE.encode()))
        await asked.wait()
        writer.write(frame(2, said[:3]) + frame(2, said[3:]))
        await asyncio.sleep(0.05)
        said_all.set()
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        echoed = b""
        while len(echoed) < size:
            form = (await reader.readexactly(2))[1]
            width = {126: 2, 127: 8}.get(form, 0)
            length = int.from_bytes(await reader.readexactly(width), "big") if width else form
            echoed += await reader.readexactly(length)
    assert echoed == said


# ---- backpressure ----------------------------------------------------------------------------------------


async def test_a_viewer_that_reads_nothing_holds_a_fast_server_back(relay: Relay) -> None:
    sent = 0

    async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while True:
            writer.write(MEGABYTE)
            await writer.drain()
            sent += len(MEGABYTE)

    async with relay.endpoint(flood), relay.viewer(max_queue=1) as viewer:
        await viewer.recv()
        await standstill(lambda: sent)
        before, already = relay.rss, sent
        await asyncio.sleep(STALL)
        assert sent == already
        assert relay.rss - before < GROWTH
        assert len(await Stream(viewer).read(16 * len(MEGABYTE))) == 16 * len(MEGABYTE)
        viewer.transport.abort()


async def test_a_server_that_reads_nothing_holds_a_fast_viewer_back(relay: Relay) -> None:
    reads = asyncio.Event()
    heard = 0

    async def sink(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        writer.write(b"open")
        await reads.wait()
        while data := await reader.read(1 << 20):
            heard += len(data)

    async with relay.endpoint(sink), relay.viewer() as viewer:
        assert await viewer.recv() == b"open"
        sent = 0

        async def push() -> None:
            nonlocal sent
            for _ in range(64):
                await viewer.send(MEGABYTE)
                sent += len(MEGABYTE)

        pushing = spawn(push(), name="push")
        try:
            await standstill(lambda: sent)
            before, already = relay.rss, sent
            await asyncio.sleep(STALL)
            assert sent == already
            assert relay.rss - before < GROWTH
            reads.set()
            await asyncio.wait_for(pushing, 30)
            await eventually_async(lambda: heard == 64 * len(MEGABYTE), within=10)
        finally:
            reads.set()
            pushing.cancel()
            viewer.transport.abort()


# ---- ends ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["goodbye", "hangs up", "cut", "breach"])
async def test_the_endpoint_learns_that_the_viewer_has_gone(relay: Relay, how: str) -> None:
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"open")
        try:
            await reader.read()
        finally:
            gone.set()

    async with relay.endpoint(serve), relay.raw() as (reader, writer):
        writer.write(UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(6) == b"\x82\x04open"
        answer = b""
        if how == "goodbye":
            writer.write(frame(8, b"\x03\xe9"))
            answer = await reader.read()
        elif how == "hangs up":
            writer.write(frame(2, b"x"))
            if writer.can_write_eof():
                writer.write_eof()
            else:
                writer.close()
        elif how == "cut":
            writer.transport.abort()
        else:
            writer.write(b"\x82\x03abc" + MEGABYTE[:100_000])
            # uvicorn closes with bytes unread, so that the answer may be lost.
            with suppress(ConnectionError) if relay.kind.tier == "portable" else nullcontext():
                answer = await reader.read()
        await asyncio.wait_for(gone.wait(), 5)

    if how == "goodbye":
        assert answer == b"\x88\x02\x03\xe9"
    elif how == "breach" and relay.kind.tier == "takeover":
        assert answer[0] == 0x88
        assert answer[2:4] == b"\x03\xea"


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
async def test_a_dead_viewer_is_found(own_relay: Callable[[Kind], Relay], loop: str, tls: bool) -> None:
    relay = await asyncio.to_thread(own_relay, Kind("takeover", loop, tls, ping=0.3))
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"open")
        try:
            await reader.read()
        finally:
            gone.set()

    async with relay.endpoint(serve), relay.viewer() as alive, relay.raw() as (reader, writer):
        writer.write(UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        began = time.monotonic()
        await asyncio.wait_for(gone.wait(), 5)
        assert 0.3 <= time.monotonic() - began < 3
        assert await alive.recv() == b"open"
        await asyncio.wait_for(await alive.ping(), 5)


@pytest.mark.parametrize("busy", [False, True])
@pytest.mark.parametrize(("loop", "tls"), [("uvloop", False), ("uvloop", True), ("asyncio", False)])
async def test_when_the_server_stops_viewers_are_told(
    own_relay: Callable[[Kind], Relay], loop: str, tls: bool, busy: bool
) -> None:
    relay = await asyncio.to_thread(own_relay, Kind("takeover", loop, tls))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while busy:
            writer.write(MEGABYTE[:10_000])
            await writer.drain()
            await asyncio.sleep(0.001)
        await reader.read()

    async def talk(viewer: ClientConnection) -> None:
        try:
            while busy:
                await viewer.send(MEGABYTE[:10_000])
                await asyncio.sleep(0.001)
        except ConnectionClosed:
            pass

    async with relay.endpoint(serve), relay.viewer() as viewer:
        if busy:
            await viewer.recv()
        relay.process.send_signal(signal.SIGTERM)
        told, _, status = await asyncio.gather(closed(viewer), talk(viewer), asyncio.to_thread(relay.process.wait, 5))
    assert told == (1012, "The server was stopped.")
    assert status in (0, -signal.SIGTERM)
