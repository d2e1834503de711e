"""People without an account, at a real server that lets them in: what their line carries, and what ends it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.integration.conftest import BRIEF, SESSIONS, OwnServer
from tests.integration.live import LiveServer
from tests.integration.pages import PASSWORD
from tests.integration.sharing import (
    AT_ONCE,
    SENT_AWAY,
    act,
    act_on,
    at_the_stub,
    give,
    let_guest_in,
    share_of,
    types,
    watching,
)
from tests.integration.streams import closed, launched, refusal
from tests.waiting import eventually_async

MARIA = "the browser of Maria, who has no account"
PEDRO = "the browser of Pedro, who has none either"
STRANGER = "the browser of a stranger"
TYPES = {name: SESSIONS[name] for name in ("Pattern", "Team pattern", "Stub 3.8")}
OPEN_HOUSE = {**SESSIONS["Team pattern"], "share": "outside", "limits": BRIEF}


class Shared(NamedTuple):
    """A session, and the secret of a link to it."""

    session: str
    secret: str


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


@asynccontextmanager
async def shared(site: LiveServer, type_name: str, browser: str = MARIA, name: str = "Maria") -> AsyncIterator[Shared]:
    """A session of Alice's to which a guest has accepted a link."""
    async with launched(site, "alice", type_name) as session:
        yield Shared(session, await let_guest_in(site, browser, session, name))


async def test_a_guest_sees_the_screen_and_types_in_vain_until_control_is_handed_over(site: LiveServer) -> None:
    async with shared(site, "Stub 3.8") as (session, _secret):
        assert await refusal(site.guest_viewer(STRANGER, session)) == 403
        async with at_the_stub(site.guest_viewer(MARIA, session)) as maria:
            assert not await types(maria)
            for control in (True, False):
                await give(site, session, maria, control)


async def test_of_two_guests_who_hold_one_link_one_alone_is_handed_control_and_sent_away(site: LiveServer) -> None:
    async with shared(site, "Stub 3.8") as (session, secret):
        assert (await asyncio.to_thread(site.accept_as_guest, PEDRO, secret, "Pedro")).status == 200
        async with (
            at_the_stub(site.guest_viewer(MARIA, session)) as maria,
            at_the_stub(site.guest_viewer(PEDRO, session)) as pedro,
        ):
            for control in (True, False, True):
                await give(site, session, maria, control, to="Maria")
                assert not await types(pedro)
            await asyncio.to_thread(act_on, site, session, "Pedro", "admission", admission="out")
            assert await closed(pedro.websocket) == SENT_AWAY
            assert await refusal(site.guest_viewer(PEDRO, session)) == 403
            assert (await asyncio.to_thread(site.accept_as_guest, PEDRO, secret, "Petra")).status == 404
            assert await types(maria)
        async with at_the_stub(site.guest_viewer(MARIA, session)) as again:
            assert await types(again)


async def test_a_guests_right_is_one_sessions_one_browsers_and_one_origins(site: LiveServer) -> None:
    async with shared(site, "Pattern") as (session, _secret), launched(site, "alice", "Pattern") as other:
        async with watching(site.guest_viewer(MARIA, session)):
            pass
        assert await refusal(site.guest_viewer(MARIA, other)) == 403
        assert await refusal(site.guest_viewer(STRANGER, session)) == 403
        assert await refusal(site.page_viewer("charlie", session)) == 403
        for origin in (None, "https://elsewhere.example"):
            assert await refusal(site.guest_viewer(MARIA, session, origin=origin)) == 403
        for path in ("/", f"/sessions/{other}/", f"/sessions/{session}/details/", "/launch/Pattern"):
            page = await asyncio.to_thread(site.get, MARIA, path)
            assert page.url.startswith(f"{site.url}/login/")


def _revoked(site: LiveServer, session: str) -> None:
    act(site, session, "revoke")


def _expired(site: LiveServer, session: str) -> None:
    sql = "UPDATE remote_service_share SET expires_at = '2026-01-01 00:00:00' WHERE id = ?"
    assert site.write(sql, share_of(site, session)) == 1


def _browser_session_ended(site: LiveServer, _session: str) -> None:
    key = next(part.partition("=")[2] for part in site.cookies(MARIA).split("; ") if part.startswith("gateway_session"))
    assert site.write("DELETE FROM django_session WHERE session_key = ?", key) == 1


@pytest.mark.parametrize("end", [_revoked, _expired, _browser_session_ended])
async def test_a_guests_open_line_ends_at_once(site: LiveServer, end: Callable[[LiveServer, str], None]) -> None:
    async with shared(site, "Pattern") as (session, _secret):
        async with watching(site.guest_viewer(MARIA, session)) as viewer:
            began = time.monotonic()
            await asyncio.to_thread(end, site, session)
            assert await closed(viewer) == SENT_AWAY
            assert time.monotonic() - began < AT_ONCE
        assert await refusal(site.guest_viewer(MARIA, session)) == 403


async def test_who_logs_in_is_a_guest_no_longer(site: LiveServer) -> None:
    browser = "a browser with which Charlie logs in"
    async with shared(site, "Pattern", browser) as (session, _secret):
        async with watching(site.guest_viewer(browser, session)) as viewer:
            fields = {"username": "charlie", "password": PASSWORD}
            page = await asyncio.to_thread(site.post, browser, "/login/", fields, form="/login/")
            assert page.url == f"{site.url}/"
            assert (await closed(viewer))[0] == 4001
        assert await refusal(site.guest_viewer(browser, session)) == 403


async def test_a_session_and_its_guests_end_together_and_it_goes_on_until_the_last_has_left(site: LiveServer) -> None:
    state = "SELECT state FROM remote_service_session WHERE id = ?"
    async with shared(site, "Pattern") as (session, secret):
        async with watching(site.guest_viewer(MARIA, session)):
            async with watching(site.page_viewer("alice", session)):
                pass
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
    async with shared(site, "Open house") as (session, _secret), watching(site.guest_viewer(MARIA, session)):
        pass


async def test_history_and_details_call_a_guest_a_guest(site: LiveServer) -> None:
    async with shared(site, "Pattern", name="<b>alice</b>") as (session, secret):
        async with watching(site.guest_viewer(MARIA, session)):
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
    async with shared(site, "Pattern") as (session, secret):
        assert await asyncio.to_thread(lambda: site.leave().status) == 0
        del site.environment["REMOTE_SERVICE_GUESTS"]
        await asyncio.to_thread(site.start)

        assert await refusal(site.guest_viewer(MARIA, session)) == 403
        assert (await asyncio.to_thread(site.get, MARIA, f"/sessions/{session}/")).status == 404
        assert "guest-name" not in (await asyncio.to_thread(site.get, STRANGER, "/share/")).text
        assert await asyncio.to_thread(site.accept, "charlie", secret) == 404
        async with watching(site.page_viewer("alice", session)):
            pass
