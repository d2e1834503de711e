"""Every way in which a session ends is told to its viewers, by code and reason (design, section 10)."""

from __future__ import annotations

import asyncio

import pytest

from tests.integration.conftest import OwnServer
from tests.integration.live import LiveServer
from tests.integration.serving import ENDS_WITHIN
from tests.integration.streams import BANNER, closed, cut, launched, reserved
from tests.waiting import eventually_async


def close_codes(live: LiveServer) -> list[int | None]:
    """With which codes the viewers of the newest session were sent away, as the database has it."""
    found = live.query(
        "SELECT close_code FROM remote_service_viewer WHERE session_id = ? ORDER BY id", live.ids()[-1].replace("-", "")
    )
    return [code for (code,) in found]


async def test_1000_the_program_ended(live: LiveServer) -> None:
    async with reserved(live, "Echo") as token, live.viewer_of(token) as viewer:
        await viewer.send(b"quit")

        code, reason = await closed(viewer)

    assert (code, reason[:18]) == (1000, "Its program ended.")


async def test_1000_it_was_released(live: LiveServer) -> None:
    async with reserved(live, "Pattern") as token, live.viewer_of(token) as viewer:
        assert await viewer.recv() == BANNER
        await asyncio.to_thread(live.rest, f"/v1/release/{token}")

        assert await closed(viewer) == (1000, "It was released.")


@pytest.mark.parametrize(
    ("who", "told"), [("alice", (1000, "It was stopped by its user.")), ("manager", (4013, "It was stopped by staff."))]
)
async def test_1000_or_4013_somebody_stopped_it(live: LiveServer, who: str, told: tuple[int, str]) -> None:
    async with launched(live, "alice", "Pattern") as session, live.page_viewer("alice", session) as viewer:
        assert await viewer.recv() == BANNER
        await asyncio.to_thread(live.stop_session, who, session)

        assert await closed(viewer) == told


async def test_4001_the_user_logged_out(live: LiveServer) -> None:
    async with launched(live, "bob", "Pattern") as session, live.page_viewer("bob", session) as viewer:
        assert await viewer.recv() == BANNER
        await asyncio.to_thread(live.logout, "bob")

        assert await closed(viewer) == (4001, "You are logged out, or may not see this session any more.")


async def test_the_sessions_page_tells_who_left_from_who_was_cut_and_who_was_sent_away(live: LiveServer) -> None:
    async with launched(live, "alice", "Pattern") as session:
        async with live.page_viewer("alice", session) as leaves:
            assert await leaves.recv() == BANNER
        async with live.page_viewer("alice", session) as lost:
            assert await lost.recv() == BANNER
            cut(lost)
        async with live.page_viewer("alice", session) as stays:
            assert await stays.recv() == BANNER
            await asyncio.to_thread(live.stop_session, "manager", session)
            assert (await closed(stays))[0] == 4013

        await eventually_async(lambda: close_codes(live) == [None, None, 4013])
        page = await asyncio.to_thread(live.get, "alice", f"/sessions/{session}/details/")
    shown = [text.partition("<")[0] for text in page.text.split('class="viewer-status">')[1:]]
    assert sorted(shown) == ["left", "line cut", "staff stopped the session"]


@pytest.mark.parametrize(
    ("type_name", "code", "reason"),
    [
        ("Idle", 4008, "Nobody used keyboard or pointer for too long."),
        ("Short-lived", 4009, "It reached the longest time that it may run."),
        ("Falsy", 4010, "It could not be started. start() returned False"),
        ("Raises", 4010, "It could not be started. start() raised RuntimeError: no licence is free."),
        ("No VNC", 4011, "Its screen could not be reached. The endpoint speaks no RFB: it began with b'\\x00\\x01"),
    ],
)
async def test_it_ended_by_itself(live: LiveServer, type_name: str, code: int, reason: str) -> None:
    async with reserved(live, type_name) as token, live.viewer_of(token) as viewer:
        told = await closed(viewer)
        await eventually_async(lambda: close_codes(live) == [code])

    assert told[0] == code
    assert told[1].startswith(reason), told[1]


async def test_1012_the_server_stops(own_server: OwnServer) -> None:
    pattern = {"script": "test_pattern.py", "count": 2, "options": {"sizes": ["160x120"]}}
    server = await asyncio.to_thread(own_server, {"Pattern": pattern})
    running, waiting = server.reserve("Pattern").token, server.reserve("Pattern").token

    async with server.viewer_of(running) as viewer, server.viewer_of(waiting) as another:
        assert await viewer.recv() == BANNER
        ended, told, others = await asyncio.gather(asyncio.to_thread(server.stop), closed(viewer), closed(another))

    assert (ended.status, told[0], others[0]) == (0, 1012, 1012)
    assert server.query("SELECT close_code FROM remote_service_viewer") == [(1012,), (1012,)]
    assert ended.seconds < ENDS_WITHIN
    assert server.leftovers.of() == []
