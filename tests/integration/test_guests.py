"""People without an account, at a real server that lets them in: what their line carries, and what ends it."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.conftest import BRIEF, SESSIONS, OwnServer
from tests.integration.live import LiveServer
from tests.integration.streams import BANNER, Stream, closed, launched, refusal
from tests.integration.test_shared_sessions import AT_ONCE, act, act_on, follows, looking, share_ids, types
from tests.waiting import eventually_async

MARIA = "the browser of Maria, who has no account"
STRANGER = "the browser of a stranger"
TYPES = {name: SESSIONS[name] for name in ("Pattern", "Team pattern", "Stub 3.8")}
OPEN_HOUSE = {**SESSIONS["Team pattern"], "share": "outside", "limits": BRIEF}


@pytest.fixture(scope="module")
def site(site_template: Path) -> Iterator[LiveServer]:
    """One that lets guests in."""
    server = LiveServer(site_template, {**TYPES, "Open house": OPEN_HOUSE}, REMOTE_SERVICE_GUESTS="1")
    try:
        server.start()
        yield server
    finally:
        left = server.clean_up()
    assert left == []


async def let_in(site: LiveServer, session: str, browser: str = MARIA, name: str = "Maria", **fields: str) -> str:
    """Alice shares with guests, and one accepts; returns the link's secret."""
    secret = await asyncio.to_thread(site.share, "alice", session, audience="guests", **fields)
    page = await asyncio.to_thread(site.accept_as_guest, browser, secret, name)
    assert (page.status, page.url) == (200, f"{site.url}/sessions/{session}/")
    return secret


async def test_a_guest_sees_the_screen_and_types_in_vain_until_control_is_handed_over(site: LiveServer) -> None:
    async with launched(site, "alice", "Stub 3.8") as session:
        assert await refusal(site.guest_viewer(STRANGER, session)) == 403
        await let_in(site, session)

        async with site.guest_viewer(MARIA, session) as websocket:
            guest = Stream(websocket)
            await guest.log_in()
            assert await guest.read(1) == b"\x01"
            assert not await types(guest)
            for control in (True, False):
                began = time.monotonic()
                await asyncio.to_thread(act, site, "alice", session, "rights", control="control" if control else "view")
                while await types(guest) is not control:
                    assert time.monotonic() - began < AT_ONCE


async def test_of_two_guests_who_hold_one_link_one_alone_is_handed_control_and_sent_away(site: LiveServer) -> None:
    pedro = "the browser of Pedro, who has no account either"
    async with launched(site, "alice", "Stub 3.8") as session:
        secret = await let_in(site, session)
        assert (await asyncio.to_thread(site.accept_as_guest, pedro, secret, "Pedro")).status == 200
        async with site.guest_viewer(MARIA, session) as hers, site.guest_viewer(pedro, session) as his:
            viewers = {"Maria": await looking(hers), "Pedro": await looking(his)}
            for control in (True, False, True):
                rights = "control" if control else "view"
                await asyncio.to_thread(act_on, site, session, "Maria", "rights", control=rights)
                await follows(viewers["Maria"], control)
                assert not await types(viewers["Pedro"])
            await asyncio.to_thread(act_on, site, session, "Pedro", "admission", admission="out")
            assert (await closed(his))[0] == 4001
            assert await refusal(site.guest_viewer(pedro, session)) == 403
            assert (await asyncio.to_thread(site.accept_as_guest, pedro, secret, "Petra")).status == 404
            assert await types(viewers["Maria"])
        async with site.guest_viewer(MARIA, session) as again:
            assert await types(await looking(again))


async def test_a_guests_right_is_one_sessions_one_browsers_and_one_origins(site: LiveServer) -> None:
    async with launched(site, "alice", "Pattern") as session, launched(site, "alice", "Pattern") as other:
        await let_in(site, session)
        async with site.guest_viewer(MARIA, session) as viewer:
            assert (await viewer.recv())[:4] == BANNER[:4]
        assert await refusal(site.guest_viewer(MARIA, other)) == 403
        assert await refusal(site.guest_viewer(STRANGER, session)) == 403
        assert await refusal(site.page_viewer("charlie", session)) == 403
        for origin in (None, "https://elsewhere.example"):
            assert await refusal(site.guest_viewer(MARIA, session, origin=origin)) == 403
        for path in ("/", f"/sessions/{other}/", f"/sessions/{session}/details/", "/launch/Pattern"):
            page = await asyncio.to_thread(site.get, MARIA, path)
            assert page.url.startswith(f"{site.url}/login/")


def _write(site: LiveServer, sql: str, *values: str) -> None:
    with closing(sqlite3.connect(site.state / "gateway.sqlite3", timeout=20, isolation_level=None)) as database:
        assert database.execute(sql, values).rowcount == 1


def _revoked(site: LiveServer, session: str) -> None:
    act(site, "alice", session, "revoke")


def _expired(site: LiveServer, session: str) -> None:
    (share,) = share_ids(site, session)
    _write(site, "UPDATE remote_service_share SET expires_at = '2026-01-01 00:00:00' WHERE id = ?", share)


def _browser_session_ended(site: LiveServer, _session: str) -> None:
    key = next(part.partition("=")[2] for part in site.cookies(MARIA).split("; ") if part.startswith("gateway_session"))
    _write(site, "DELETE FROM django_session WHERE session_key = ?", key)


@pytest.mark.parametrize("end", [_revoked, _expired, _browser_session_ended])
async def test_a_guests_open_line_ends_at_once(site: LiveServer, end: Callable[[LiveServer, str], None]) -> None:
    async with launched(site, "alice", "Pattern") as session:
        await let_in(site, session)
        async with site.guest_viewer(MARIA, session) as viewer:
            assert (await viewer.recv())[:4] == BANNER[:4]
            began = time.monotonic()
            await asyncio.to_thread(end, site, session)
            assert await closed(viewer) == (4001, "You are logged out, or may not see this session any more.")
            assert time.monotonic() - began < AT_ONCE
        assert await refusal(site.guest_viewer(MARIA, session)) == 403


async def test_who_logs_in_is_a_guest_no_longer(site: LiveServer) -> None:
    browser = "a browser with which Charlie logs in"
    async with launched(site, "alice", "Pattern") as session:
        await let_in(site, session, browser)
        async with site.guest_viewer(browser, session) as viewer:
            assert (await viewer.recv())[:4] == BANNER[:4]
            fields = {"username": "charlie", "password": "correct horse battery"}
            page = await asyncio.to_thread(site.post, browser, "/login/", fields, form="/login/")
            assert page.url == f"{site.url}/"
            assert (await closed(viewer))[0] == 4001
        assert await refusal(site.guest_viewer(browser, session)) == 403


async def test_a_session_and_its_guests_end_together_and_it_goes_on_until_the_last_has_left(site: LiveServer) -> None:
    state = "SELECT state FROM remote_service_session WHERE id = ?"
    async with launched(site, "alice", "Pattern") as session:
        secret = await let_in(site, session)
        async with site.guest_viewer(MARIA, session) as hers:
            await hers.recv()
            async with site.page_viewer("alice", session) as owners:
                await owners.recv()
            await asyncio.sleep(1.5)  # longer than `linger`
            assert site.query(state, session.replace("-", "")) == [("running",)]
        await eventually_async(lambda: site.query(state, session.replace("-", "")) == [("ended",)], within=10)
        assert await refusal(site.guest_viewer(MARIA, session)) == 403
        assert (await asyncio.to_thread(site.accept_as_guest, MARIA, secret)).status == 404


async def test_a_types_group_keeps_guests_out_unless_it_is_shared_outside(site: LiveServer) -> None:
    async with launched(site, "alice", "Team pattern") as session:
        entered = {"control": "view", "audience": "guests", "lasts": "day"}
        page = await asyncio.to_thread(site.post, "alice", f"/sessions/{session}/shares/", entered)
        assert page.status == 400
    async with launched(site, "alice", "Open house") as session:
        await let_in(site, session)
        async with site.guest_viewer(MARIA, session) as viewer:
            assert (await viewer.recv())[:4] == BANNER[:4]


async def test_history_and_details_call_a_guest_a_guest(site: LiveServer) -> None:
    async with launched(site, "alice", "Pattern") as session:
        secret = await let_in(site, session, name="<b>alice</b>")
        async with site.guest_viewer(MARIA, session) as viewer:
            await viewer.recv()
            page = await asyncio.to_thread(site.get, "alice", f"/sessions/{session}/details/")
        assert "guest “&lt;b&gt;alice&lt;/b&gt;”" in page.text
        assert "<b>alice" not in page.text
        events = "SELECT who FROM remote_service_sessionevent WHERE what = ?"
        for what in ("share accepted", "viewer opened"):
            assert ("guest “<b>alice</b>”",) in site.query(events, what)
        for file in site.state.glob("gateway.sqlite3*"):
            assert secret.encode() not in file.read_bytes()
        assert secret not in site.output


async def test_where_the_site_lets_no_guests_in_any_more_nobody_is_one(own_server: OwnServer) -> None:
    site = own_server({"Pattern": SESSIONS["Pattern"]}, REMOTE_SERVICE_GUESTS="1")
    async with launched(site, "alice", "Pattern") as session:
        secret = await let_in(site, session)
        assert await asyncio.to_thread(lambda: site.leave().status) == 0
        del site.environment["REMOTE_SERVICE_GUESTS"]
        await asyncio.to_thread(site.start)

        assert await refusal(site.guest_viewer(MARIA, session)) == 403
        assert (await asyncio.to_thread(site.get, MARIA, f"/sessions/{session}/")).status == 404
        assert "guest-name" not in (await asyncio.to_thread(site.get, STRANGER, "/share/")).text
        assert await asyncio.to_thread(site.accept, "charlie", secret) == 404
        async with site.page_viewer("alice", session) as hers:
            assert (await hers.recv())[:4] == BANNER[:4]
