"""Sessions that their owner shares, at a real server: what a guest's line carries, and what ends it."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from websockets.asyncio.client import ClientConnection

from tests.integration.live import LiveServer
from tests.integration.streams import BANNER, Stream, closed, launched, refusal
from tests.waiting import eventually_async

KEY = bytes.fromhex("04 01 0000 00000041")
REQUEST = bytes.fromhex("03 00 0000 0000 0010 0010")
AT_ONCE = 2.0
"""Seconds until an open line of somebody has ended who may not see the session any more."""


async def let_in(live: LiveServer, name: str, session: str, **fields: str) -> str:
    """Alice shares, and somebody accepts; returns the link's secret."""
    secret = await asyncio.to_thread(live.share, "alice", session, **fields)
    assert await asyncio.to_thread(live.accept, name, secret) == 200
    return secret


def share_ids(live: LiveServer, session: str) -> list[str]:
    sql = "SELECT id FROM remote_service_share WHERE session_id = ? ORDER BY made_at"
    return [found for (found,) in live.query(sql, session.replace("-", ""))]


def act(live: LiveServer, name: str, session: str, what: str, **fields: str) -> None:
    """The owner does something to the only share of a session."""
    (share,) = share_ids(live, session)
    dashed = f"{share[:8]}-{share[8:12]}-{share[12:16]}-{share[16:20]}-{share[20:]}"
    assert live.post(name, f"/sessions/{session}/shares/{dashed}/{what}", fields).status == 200


@contextmanager
def changed(live: LiveServer, sql: str, undo: str) -> Iterator[None]:
    """Changes the site's database, as the administration does, for as long as the block lasts."""
    with closing(sqlite3.connect(live.state / "gateway.sqlite3", timeout=20, isolation_level=None)) as database:
        database.execute(sql)
        try:
            yield
        finally:
            database.execute(undo)


async def test_a_guest_sees_the_screen_and_types_in_vain_until_control_is_handed_over(live: LiveServer) -> None:
    async with launched(live, "alice", "Stub 3.8") as session:
        assert await refusal(live.page_viewer("bob", session)) == 403
        await let_in(live, "bob", session, audience="user", user="bob")

        async with live.page_viewer("bob", session) as websocket:
            guest = Stream(websocket)
            await guest.log_in()
            assert await guest.read(1) == b"\x01"
            assert not await types(guest)

            for control in (True, False):
                began = time.monotonic()
                await asyncio.to_thread(act, live, "alice", session, "rights", control="control" if control else "view")
                while await types(guest) is not control:
                    assert time.monotonic() - began < AT_ONCE


def act_on(live: LiveServer, session: str, called: str, what: str, **fields: str) -> None:
    """Alice does something about one of those who hold shares, a user or a guest, by name."""
    sql = (
        "SELECT holder.id FROM remote_service_shareholder holder JOIN remote_service_share share "
        "ON share.id = holder.share_id LEFT JOIN auth_user ON auth_user.id = holder.user_id "
        "LEFT JOIN remote_service_guest guest ON guest.id = holder.guest_id "
        "WHERE share.session_id = ? AND COALESCE(auth_user.username, guest.name) = ?"
    )
    ((holder,),) = live.query(sql, session.replace("-", ""), called)
    assert live.post("alice", f"/sessions/{session}/holders/{holder}/{what}", fields).status == 200


async def follows(viewer: Stream, control: bool) -> None:
    """Waits until what somebody types arrives, or does not."""
    began = time.monotonic()
    while await types(viewer) is not control:
        assert time.monotonic() - began < AT_ONCE


async def looking(websocket: ClientConnection) -> Stream:
    """Somebody who sees the stub's screen."""
    viewer = Stream(websocket)
    await viewer.log_in()
    assert await viewer.read(1) == b"\x01"
    return viewer


async def test_of_two_who_hold_one_link_one_alone_is_handed_control(live: LiveServer) -> None:
    async with launched(live, "alice", "Stub 3.8") as session:
        secret = await let_in(live, "bob", session)
        assert await asyncio.to_thread(live.accept, "charlie", secret) == 200
        async with live.page_viewer("charlie", session) as others:
            charlie = await looking(others)
            async with live.page_viewer("bob", session) as first:
                bob = await looking(first)
                for control in (True, False, True):
                    rights = "control" if control else "view"
                    await asyncio.to_thread(act_on, live, session, "bob", "rights", control=rights)
                    await follows(bob, control)
                    assert not await types(charlie)
            # It is his when he comes again, too.
            async with live.page_viewer("bob", session) as again:
                assert await types(await looking(again))

            # What the link gives to all is taken back from one of them.
            await asyncio.to_thread(act, live, "alice", session, "rights", control="control")
            await follows(charlie, True)
            await asyncio.to_thread(act_on, live, session, "charlie", "rights", control="view")
            await follows(charlie, False)
            async with live.page_viewer("bob", session) as again:
                assert await types(await looking(again))


async def test_one_is_sent_away_and_stays_out_while_the_others_look_on(live: LiveServer) -> None:
    async with launched(live, "alice", "Stub 3.8") as session:
        secret = await let_in(live, "bob", session)
        assert await asyncio.to_thread(live.accept, "charlie", secret) == 200
        async with live.page_viewer("charlie", session) as others, live.page_viewer("bob", session) as viewer:
            charlie = await looking(others)
            began = time.monotonic()
            await asyncio.to_thread(act_on, live, session, "bob", "admission", admission="out")
            assert await closed(viewer) == (4001, "You are logged out, or may not see this session any more.")
            assert time.monotonic() - began < AT_ONCE
            assert await refusal(live.page_viewer("bob", session)) == 403
            assert await asyncio.to_thread(live.accept, "bob", secret) == 404
            assert not await types(charlie)

            await asyncio.to_thread(act_on, live, session, "bob", "admission", admission="in")
            async with live.page_viewer("bob", session) as again:
                await looking(again)


async def types(guest: Stream) -> bool:
    """Whether a key reaches the stub, which sends back what it gets."""
    await guest.send(KEY + REQUEST)
    kind = await guest.read(1)
    rest = await guest.read((len(KEY) if kind == KEY[:1] else 0) + len(REQUEST) - 1)
    assert (kind + rest).endswith(REQUEST)
    return kind == KEY[:1]


def _revoked(live: LiveServer, session: str) -> None:
    act(live, "alice", session, "revoke")


def _logged_out(live: LiveServer, _session: str) -> None:
    live.logout("bob")


@pytest.mark.parametrize("end", [_revoked, _logged_out])
async def test_a_guests_open_line_ends_at_once(live: LiveServer, end: Callable[[LiveServer, str], None]) -> None:
    async with launched(live, "alice", "Team pattern") as session:
        await let_in(live, "bob", session)
        async with live.page_viewer("bob", session) as viewer:
            assert (await viewer.recv())[:4] == BANNER[:4]
            began = time.monotonic()
            await asyncio.to_thread(end, live, session)
            assert await closed(viewer) == (4001, "You are logged out, or may not see this session any more.")
            assert time.monotonic() - began < AT_ONCE


@pytest.mark.parametrize(
    ("sql", "undo"),
    [
        (
            "DELETE FROM auth_user_groups WHERE user_id = (SELECT id FROM auth_user WHERE username = 'bob')",
            "INSERT INTO auth_user_groups (user_id, group_id) SELECT auth_user.id, auth_group.id "
            "FROM auth_user, auth_group WHERE username = 'bob' AND name = 'ClusterRendering'",
        ),
        (
            "UPDATE auth_user SET is_active = 0 WHERE username = 'bob'",
            "UPDATE auth_user SET is_active = 1 WHERE username = 'bob'",
        ),
    ],
    ids=["membership", "blocked"],
)
async def test_who_leaves_the_group_or_is_blocked_sees_nothing_any_more(live: LiveServer, sql: str, undo: str) -> None:
    async with launched(live, "alice", "Team pattern") as session:
        await let_in(live, "bob", session)
        async with live.page_viewer("bob", session) as viewer:
            assert (await viewer.recv())[:4] == BANNER[:4]
            began = time.monotonic()
            with changed(live, sql, undo):
                assert (await closed(viewer))[0] == 4001
                assert time.monotonic() - began < AT_ONCE
                assert await refusal(live.page_viewer("bob", session)) == 403


async def test_a_share_reaches_nobody_outside_the_types_group(live: LiveServer) -> None:
    async with launched(live, "alice", "Team pattern") as session:
        secret = await asyncio.to_thread(live.share, "alice", session)
        assert await asyncio.to_thread(live.accept, "charlie", secret) == 404
        assert await refusal(live.page_viewer("charlie", session)) == 403


async def test_a_share_and_its_session_outlive_the_owners_tab_and_end_together(live: LiveServer) -> None:
    async with launched(live, "alice", "Team pattern") as session:
        secret = await let_in(live, "bob", session)
        async with live.page_viewer("bob", session) as his:
            async with live.page_viewer("alice", session) as hers:
                assert (await hers.recv())[:4] == BANNER[:4]
            # Longer than `linger`.
            await asyncio.sleep(1.5)
            guest = Stream(his)
            await guest.log_in()

            await asyncio.to_thread(live.stop_session, "alice", session)
            assert (await closed(his))[0] == 1000
        await eventually_async(lambda: live.query(_STATE, session.replace("-", "")) == [("ended",)], within=10)
        assert await refusal(live.page_viewer("bob", session)) == 403
        assert await asyncio.to_thread(live.accept, "bob", secret) == 404


_STATE = "SELECT state FROM remote_service_session WHERE id = ?"


async def test_the_session_goes_on_until_its_last_guest_has_left(live: LiveServer) -> None:
    async with launched(live, "alice", "Team pattern") as session:
        await let_in(live, "bob", session)
        async with live.page_viewer("bob", session) as his, live.page_viewer("alice", session) as hers:
            await hers.recv()
            await his.recv()
        found = (session.replace("-", ""),)
        await eventually_async(lambda: live.query(_STATE, *found) == [("ended",)], within=10)


async def test_the_secret_stands_nowhere(live: LiveServer) -> None:
    async with launched(live, "alice", "Team pattern") as session:
        secret = await let_in(live, "bob", session)
        assert secret not in live.output
        for file in live.state.glob("gateway.sqlite3*"):
            assert secret.encode() not in file.read_bytes()
