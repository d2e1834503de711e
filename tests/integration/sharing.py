"""Sessions that Alice shares, in tests at a real server: how others come to her screens, and what reaches them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.asyncio.client import ClientConnection, connect

from tests.integration.live import LiveServer
from tests.integration.serving import with_dashes
from tests.integration.streams import BANNER, Stream

AT_ONCE = 2.0
"""Seconds until what was changed for somebody holds, also for an open line."""
SENT_AWAY = (4001, "You are logged out, or may not see this session any more.")
"""What the line of somebody is told who may not see the session any more."""
_KEY = bytes.fromhex("04 01 0000 00000041")
_REQUEST = bytes.fromhex("03 00 0000 0000 0010 0010")


# ---- the owner ----------------------------------------------------------------------------------------------


async def let_in(live: LiveServer, name: str, session: str, **fields: str) -> str:
    """Alice shares, and a user accepts; returns the link's secret."""
    secret = await asyncio.to_thread(live.share, "alice", session, **fields)
    assert await asyncio.to_thread(live.accept, name, secret) == 200
    return secret


async def let_guest_in(live: LiveServer, browser: str, session: str, name: str) -> str:
    """Alice shares with guests, and one accepts with a browser, by a name; returns the link's secret."""
    secret = await asyncio.to_thread(live.share, "alice", session, audience="guests")
    page = await asyncio.to_thread(live.accept_as_guest, browser, secret, name)
    assert (page.status, page.url) == (200, f"{live.url}/sessions/{session}/")
    return secret


def share_of(live: LiveServer, session: str) -> str:
    """The only share of a session, as the database names it."""
    sql = "SELECT id FROM remote_service_share WHERE session_id = ?"
    ((share,),) = live.query(sql, session.replace("-", ""))
    return str(share)


def act(live: LiveServer, session: str, what: str, **fields: str) -> None:
    """She does something about the only share of a session."""
    share = with_dashes(share_of(live, session))
    assert live.post("alice", f"/sessions/{session}/shares/{share}/{what}", fields).status == 200


def act_on(live: LiveServer, session: str, called: str, what: str, **fields: str) -> None:
    """She does something about one of those who hold shares, a user or a guest, by name."""
    sql = (
        "SELECT holder.id FROM remote_service_shareholder holder JOIN remote_service_share share "
        "ON share.id = holder.share_id LEFT JOIN auth_user ON auth_user.id = holder.user_id "
        "LEFT JOIN remote_service_guest guest ON guest.id = holder.guest_id "
        "WHERE share.session_id = ? AND COALESCE(auth_user.username, guest.name) = ?"
    )
    ((holder,),) = live.query(sql, session.replace("-", ""), called)
    assert live.post("alice", f"/sessions/{session}/holders/{holder}/{what}", fields).status == 200


async def give(live: LiveServer, session: str, viewer: Stream, control: bool, *, to: str = "") -> None:
    """She hands control over or takes it back, from one of them or from all; waits until that is so for a viewer."""
    rights = "control" if control else "view"
    if to:
        await asyncio.to_thread(act_on, live, session, to, "rights", control=rights)
    else:
        await asyncio.to_thread(act, live, session, "rights", control=rights)
    began = time.monotonic()
    while await types(viewer) is not control:
        assert time.monotonic() - began < AT_ONCE


# ---- the others ---------------------------------------------------------------------------------------------


@asynccontextmanager
async def watching(asked: connect) -> AsyncIterator[ClientConnection]:
    """A viewer that has begun to see a screen."""
    async with asked as viewer:
        assert (await viewer.recv())[:4] == BANNER[:4]
        yield viewer


@asynccontextmanager
async def at_the_stub(asked: connect) -> AsyncIterator[Stream]:
    """A viewer that sees the stub's screen."""
    async with asked as websocket:
        viewer = Stream(websocket)
        await viewer.log_in()
        assert await viewer.read(1) == b"\x01"
        yield viewer


async def types(viewer: Stream) -> bool:
    """Whether a key reaches the stub, which sends back what it gets."""
    await viewer.send(_KEY + _REQUEST)
    kind = await viewer.read(1)
    rest = await viewer.read((len(_KEY) if kind == _KEY[:1] else 0) + len(_REQUEST) - 1)
    assert (kind + rest).endswith(_REQUEST)
    return kind == _KEY[:1]
