"""Sessions that their owner shares, at a real server: what a guest's line carries, and what ends it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from tests.integration.live import LiveServer
from tests.integration.sharing import AT_ONCE, SENT_AWAY, act, act_on, at_the_stub, give, let_in, types, watching
from tests.integration.streams import Stream, closed, launched, refusal
from tests.waiting import eventually_async


@contextmanager
def changed(live: LiveServer, sql: str, undo: str) -> Iterator[None]:
    """Changes the site's database, as the administration does, for as long as the block lasts."""
    live.write(sql)
    try:
        yield
    finally:
        live.write(undo)


async def test_a_guest_sees_the_screen_and_types_in_vain_until_control_is_handed_over(live: LiveServer) -> None:
    async with launched(live, "alice", "Stub 3.8") as session:
        assert await refusal(live.page_viewer("bob", session)) == 403
        await let_in(live, "bob", session, audience="user", user="bob")

        async with at_the_stub(live.page_viewer("bob", session)) as bob:
            assert not await types(bob)
            for control in (True, False):
                await give(live, session, bob, control)


@asynccontextmanager
async def shared_with_two(live: LiveServer) -> AsyncIterator[tuple[str, str, Stream]]:
    """A session that Bob and Charlie may look at by one link: its id, the link's secret, and Charlie at the screen."""
    async with launched(live, "alice", "Stub 3.8") as session:
        secret = await let_in(live, "bob", session)
        assert await asyncio.to_thread(live.accept, "charlie", secret) == 200
        async with at_the_stub(live.page_viewer("charlie", session)) as charlie:
            yield session, secret, charlie


async def test_of_two_who_hold_one_link_one_alone_is_handed_control(live: LiveServer) -> None:
    async with shared_with_two(live) as (session, _secret, charlie):
        async with at_the_stub(live.page_viewer("bob", session)) as bob:
            for control in (True, False, True):
                await give(live, session, bob, control, to="bob")
                assert not await types(charlie)
        # It is his when he comes again, too.
        async with at_the_stub(live.page_viewer("bob", session)) as again:
            assert await types(again)

        # What the link gives to all is taken back from one of them.
        await give(live, session, charlie, True)
        await give(live, session, charlie, False, to="charlie")
        async with at_the_stub(live.page_viewer("bob", session)) as again:
            assert await types(again)


async def test_one_is_sent_away_and_stays_out_while_the_others_look_on(live: LiveServer) -> None:
    async with shared_with_two(live) as (session, secret, charlie):
        async with live.page_viewer("bob", session) as viewer:
            began = time.monotonic()
            await asyncio.to_thread(act_on, live, session, "bob", "admission", admission="out")
            assert await closed(viewer) == SENT_AWAY
            assert time.monotonic() - began < AT_ONCE
        assert await refusal(live.page_viewer("bob", session)) == 403
        assert await asyncio.to_thread(live.accept, "bob", secret) == 404
        assert not await types(charlie)

        await asyncio.to_thread(act_on, live, session, "bob", "admission", admission="in")
        async with at_the_stub(live.page_viewer("bob", session)):
            pass


def _revoked(live: LiveServer, session: str) -> None:
    act(live, session, "revoke")


def _logged_out(live: LiveServer, _session: str) -> None:
    live.logout("bob")


@pytest.mark.parametrize("end", [_revoked, _logged_out])
async def test_a_guests_open_line_ends_at_once(live: LiveServer, end: Callable[[LiveServer, str], None]) -> None:
    async with launched(live, "alice", "Team pattern") as session:
        await let_in(live, "bob", session)
        async with watching(live.page_viewer("bob", session)) as viewer:
            began = time.monotonic()
            await asyncio.to_thread(end, live, session)
            assert await closed(viewer) == SENT_AWAY
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
        async with watching(live.page_viewer("bob", session)) as viewer:
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
            async with watching(live.page_viewer("alice", session)):
                pass
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
        async with watching(live.page_viewer("bob", session)), watching(live.page_viewer("alice", session)):
            pass
        found = (session.replace("-", ""),)
        await eventually_async(lambda: live.query(_STATE, *found) == [("ended",)], within=10)


async def test_the_secret_stands_nowhere(live: LiveServer) -> None:
    async with launched(live, "alice", "Team pattern") as session:
        secret = await let_in(live, "bob", session)
        assert secret not in live.output
        for file in live.state.glob("gateway.sqlite3*"):
            assert secret.encode() not in file.read_bytes()
