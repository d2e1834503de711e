"""What viewers may not do, through the real server: by their type, and by rights that change while they watch."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.integration.conftest import OwnServer
from tests.integration.live import LiveServer
from tests.integration.streams import Stream, closed, launched

KEY = bytes.fromhex("04 01 0000 00000061")
REQUEST = bytes.fromhex("03 00 0000 0000 0040 0030")
COPIED = bytes.fromhex("06 000000 00000006") + b"secret"

SWAP = """
from django.contrib.auth.models import Permission, User
User.objects.get(username="looker").user_permissions.set(Permission.objects.filter(codename={!r}))
"""


def stub(**policy: Any) -> dict[str, Any]:
    """A type whose server sends back what reaches it."""
    return {"Stub": {"script": "stub_vnc.py", "count": 1, "options": {"version": "003.008"}, "viewer_policy": policy}}


async def let_in(websocket: Any) -> Stream:
    viewer = Stream(websocket)
    await viewer.log_in()
    assert await viewer.read(1) == b"\x01"
    return viewer


async def passes(viewer: Stream, sent: bytes, expected: bytes) -> bool:
    """Whether that is what reaches the session; the last message always does."""
    await viewer.send(sent + REQUEST)
    heard = await viewer.read(len(REQUEST))
    while not heard.endswith(REQUEST):
        heard += await viewer.read(1)
    return heard == expected + REQUEST


async def until(viewer: Stream, sent: bytes, expected: bytes) -> None:
    async with asyncio.timeout(10):
        while not await passes(viewer, sent, expected):
            await asyncio.sleep(0.05)


async def test_a_type_that_is_read_again_limits_screens_that_are_open(own_server: OwnServer) -> None:
    live: LiveServer = await asyncio.to_thread(own_server, stub(no_clipboard_in=True))
    async with launched(live, "alice", "Stub") as session, live.page_viewer("alice", session) as websocket:
        viewer = await let_in(websocket)
        assert await passes(viewer, KEY + COPIED, KEY)

        live.write_sessions(stub(view_only=True))
        await asyncio.to_thread(live.manage, "reload_sessions")
        await until(viewer, KEY + COPIED, b"")

        live.write_sessions(stub())
        await asyncio.to_thread(live.manage, "reload_sessions")
        await until(viewer, KEY + COPIED, KEY + COPIED)


async def test_rights_that_are_given_hold_on_the_open_screen_and_come_anew_when_taken(own_server: OwnServer) -> None:
    live: LiveServer = await asyncio.to_thread(own_server, stub())

    async def swap(codename: str) -> None:
        await asyncio.to_thread(live.manage, "shell", "--no-imports", "-c", SWAP.format(codename))

    async with launched(live, "alice", "Stub") as session:
        async with live.page_viewer("looker", session) as websocket:
            viewer = await let_in(websocket)
            assert await passes(viewer, KEY, b"")
            await swap("manage_any_session")
            await until(viewer, KEY, KEY)
            await swap("view_any_session")
            await until(viewer, KEY, b"")
            await swap("manage_any_session")
            await until(viewer, KEY, KEY)

        async with live.page_viewer("looker", session) as websocket:
            viewer = await let_in(websocket)
            assert await passes(viewer, KEY, KEY)
            await swap("view_any_session")
            assert await closed(websocket) == (4002, "What you may do here has changed.")
        async with live.page_viewer("looker", session) as websocket:
            assert await passes(await let_in(websocket), KEY, b"")
