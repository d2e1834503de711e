"""Bytes through the real server: what one end sends arrives at the other, unchanged, in order, and held back."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

import psutil
import pytest
from websockets.exceptions import ConnectionClosed

from tests.integration.certificates import self_signed
from tests.integration.conftest import OwnServer
from tests.integration.live import LiveServer
from tests.integration.relay_scripts.raw_program import MEGABYTE
from tests.integration.streams import BANNER, Stream, launched, refusal, reserved

KEY = bytes.fromhex("04 01 0000 00000061")
REQUEST = bytes.fromhex("03 00 0000 0000 0040 0030")
RSS_GROWTH = 8 * 1024 * 1024
STALL = 4.0
"""Seconds without anybody reading."""


# ---- real VNC servers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("type_name", ["Pattern", "Desktop", "Password desktop"])
async def test_a_viewer_sees_the_screen_of_a_vnc_server(live: LiveServer, type_name: str) -> None:
    async with reserved(live, type_name, size="200x150") as token, live.viewer_of(token) as websocket:
        assert websocket.subprotocol == "binary"
        viewer = Stream(websocket)
        screen = await viewer.log_in()
        assert (screen.width, screen.height) == (200, 150)
        pixels = await viewer.picture(screen)

    assert len(pixels) == 200 * 150 * 4
    if type_name == "Pattern":
        assert len(set(pixels)) > 5


@pytest.mark.parametrize("type_name", ["Stub 3.3", "Stub 3.7"])
async def test_the_gateway_logs_in_to_older_servers_and_offers_the_viewer_none(
    live: LiveServer, type_name: str
) -> None:
    async with reserved(live, type_name) as token, live.viewer_of(token) as websocket:
        viewer = Stream(websocket)
        assert (await viewer.log_in()).name == "stub"
        assert await viewer.read(1) == b"\x01"
        await viewer.send(KEY + REQUEST)
        assert await viewer.read(len(KEY + REQUEST)) == KEY + REQUEST


# ---- bytes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
async def test_bytes_of_both_directions_arrive_as_they_were_sent(live: LiveServer, seed: int) -> None:
    chance = random.Random(seed)
    data = chance.randbytes(2_000_000)

    async with reserved(live, "Echo") as token, live.viewer_of(token) as websocket:
        viewer = Stream(websocket)

        async def talk() -> None:
            at = 0
            while at < len(data):
                size = chance.choice([1, chance.randint(1, 100), chance.randint(1, 5000), chance.randint(1, 200_000)])
                await viewer.send(data[at : at + size])
                at += size

        _, heard = await asyncio.gather(talk(), viewer.read(len(data)))

    assert heard == data


async def test_a_server_that_speaks_first_may_say_a_megabyte(live: LiveServer) -> None:
    async with reserved(live, "Greeter") as token, live.viewer_of(token) as websocket:
        viewer = Stream(websocket)
        assert await viewer.read(len(MEGABYTE)) == MEGABYTE
        await viewer.send(b"thank you")
        assert await viewer.read(9) == b"thank you"


async def test_what_a_viewer_says_before_its_session_runs_arrives(live: LiveServer) -> None:
    early = random.Random(4).randbytes(300_000)

    async with reserved(live, "Echo") as token, live.viewer_of(token) as websocket:
        viewer = Stream(websocket)
        # More than is kept: the rest waits in the sockets.
        sending = asyncio.gather(*(viewer.send(early[at : at + 10_000]) for at in range(0, len(early), 10_000)))
        assert await viewer.read(len(early)) == early
        await sending


async def test_pings_are_answered_while_nothing_else_is_said(live: LiveServer) -> None:
    async with reserved(live, "Stub 3.8") as token, live.viewer_of(token) as websocket:
        for _ in range(3):
            await asyncio.wait_for(await websocket.ping(), 5)


# ---- backpressure ----------------------------------------------------------------------------------------


def rss(live: LiveServer) -> int:
    return int(psutil.Process(live.pid).memory_info().rss)


async def test_a_viewer_that_reads_nothing_holds_a_fast_server_back(live: LiveServer) -> None:
    async with reserved(live, "Flood") as token, live.viewer_of(token, max_queue=1) as websocket:
        await websocket.recv()
        before = rss(live)
        await asyncio.sleep(STALL)
        assert rss(live) - before < RSS_GROWTH

        # It still flows once it is read.
        assert len(await Stream(websocket).read(32 * len(MEGABYTE))) == 32 * len(MEGABYTE)
        websocket.transport.abort()


async def test_a_server_that_reads_nothing_holds_a_fast_viewer_back(live: LiveServer) -> None:
    async with reserved(live, "Sink") as token, live.viewer_of(token) as websocket:
        assert await websocket.recv() == b"open"
        before, sent, until = rss(live), 0, time.monotonic() + STALL
        while (left := until - time.monotonic()) > 0:
            try:
                await asyncio.wait_for(websocket.send(MEGABYTE), left)
            except TimeoutError:
                break
            sent += len(MEGABYTE)

        assert rss(live) - before < RSS_GROWTH
        assert sent < 64 * len(MEGABYTE), "it was held back"
        websocket.transport.abort()


# ---- those who may only look -----------------------------------------------------------------------------

SET_ENCODINGS = bytes.fromhex("02 00 0002 fffffec4 00000000")
WITHOUT_LONG_POINTER_EVENTS = bytes.fromhex("02 00 0001 00000000")


async def test_who_may_only_look_sees_and_types_in_vain(live: LiveServer) -> None:
    async with launched(live, "alice", "Stub 3.8") as session:
        async with live.page_viewer("looker", session) as websocket:
            looker = Stream(websocket)
            await looker.log_in(shared=False)
            # The server sends back what reached it: first of all whether the others may stay.
            assert await looker.read(1) == b"\x01"
            await looker.send(KEY + SET_ENCODINGS + KEY + REQUEST)
            expected = WITHOUT_LONG_POINTER_EVENTS + REQUEST
            assert await looker.read(len(expected)) == expected

            await looker.send(b"\x07")
            with pytest.raises(ConnectionClosed) as end:
                await looker.read(1)
        assert end.value.rcvd is not None
        assert end.value.rcvd.code == 1011
        assert end.value.rcvd.reason.startswith("The viewer does not speak RFB as expected: message-type at byte ")

        async with live.page_viewer("manager", session) as websocket:
            manager = Stream(websocket)
            await manager.log_in()
            await manager.send(KEY)
            assert await manager.read(9) == b"\x01" + KEY


@pytest.mark.parametrize(
    ("type_name", "reason"),
    [
        ("Encrypting", "The VNC server offers the security types 19 (VeNCrypt)"),
        ("Echo", "It is no VNC."),
    ],
)
async def test_where_input_cannot_be_told_nobody_may_only_look(live: LiveServer, type_name: str, reason: str) -> None:
    async with launched(live, "alice", type_name) as session, live.page_viewer("alice", session) as hers:
        if type_name == "Encrypting":
            assert await hers.recv() == BANNER
        async with live.page_viewer("looker", session) as websocket:
            with pytest.raises(ConnectionClosed) as end:
                await websocket.recv()
        assert end.value.rcvd is not None
        assert end.value.rcvd.code == 4003
        assert end.value.rcvd.reason.startswith(
            f"Your rights are limited here, and this screen cannot be filtered. {reason}"
        )

        # Her own line has not noticed anything.
        if type_name == "Echo":
            await hers.send(b"hello")
            assert await hers.recv() == b"hello"


# ---- TLS -------------------------------------------------------------------------------------------------


async def test_it_serves_wss_with_a_certificate(own_server: OwnServer, tmp_path: Path) -> None:
    pattern = {"script": "test_pattern.py", "count": 1, "options": {"sizes": ["160x120"]}}
    server = await asyncio.to_thread(own_server, {"Pattern": pattern}, tls=self_signed(tmp_path))
    assert server.url.startswith("https://")

    async with reserved(server, "Pattern") as token, server.viewer_of(token) as websocket:
        viewer = Stream(websocket)
        screen = await viewer.log_in()
        assert len(await viewer.picture(screen)) == 160 * 120 * 4

    async with launched(server, "alice", "Pattern") as session:
        async with server.page_viewer("alice", session) as websocket:
            assert await websocket.recv() == BANNER
        cookie = server.login("alice")
        plain = server.url.replace("https", "http", 1)
        assert await refusal(server.websocket(f"/sessions/{session}/websockify", cookie, plain)) == 403
