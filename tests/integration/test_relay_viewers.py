"""Viewers that come, leave, lose their line and come back, and what that means for their session."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest

from tests.integration.live import LiveServer
from tests.integration.streams import BANNER, Stream, cut, launched, refusal, reserved
from tests.waiting import eventually_async


def row(live: LiveServer, token: str) -> dict[str, Any]:
    """A session as the database has it."""
    columns = ("id", "index", "state", "end_reason", "running_at")
    quoted = ", ".join(f'"{column}"' for column in columns)
    hashed = hashlib.sha256(token.encode()).hexdigest()
    (found,) = live.query(f"SELECT {quoted} FROM remote_service_session WHERE token_hash = ?", hashed)
    return dict(zip(columns, found, strict=True))


def endings(live: LiveServer, session: str) -> list[str]:
    """How a session's viewers left, in the order in which they came; "" is still there."""
    sql = "SELECT ending FROM remote_service_viewer WHERE session_id = ? ORDER BY id"
    return [ending for (ending,) in live.query(sql, session.replace("-", ""))]


async def until(live: LiveServer, token: str, expected: list[str]) -> None:
    session = row(live, token)["id"]
    await eventually_async(lambda: endings(live, session) == expected)


async def over(live: LiveServer, token: str, reason: str, within: float = 10.0) -> None:
    """Waits until the session has ended for this reason."""
    await eventually_async(lambda: row(live, token)["state"] == "ended", within=within)
    assert row(live, token)["end_reason"] == reason


# ---- two viewers -----------------------------------------------------------------------------------------


async def test_of_two_viewers_one_may_leave_and_the_last_ends_the_session(live: LiveServer) -> None:
    async with reserved(live, "Echo") as token:
        async with live.viewer_of(token) as second:
            async with live.viewer_of(token) as first:
                for viewer in (first, second):
                    await viewer.send(b"hello")
                    assert await viewer.recv() == b"hello"
                assert live.instance("Echo", row(live, token)["index"])["viewers"] == 2
            await until(live, token, ["", "clean"])
            # Longer than `linger`.
            await asyncio.sleep(0.6)
            await second.send(b"still here")
            assert await second.recv() == b"still here"
            assert row(live, token)["state"] == "running"

        await over(live, token, "last_viewer")


# ---- coming back -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["clean", "cut"])
async def test_who_comes_back_finds_the_same_session(live: LiveServer, how: str) -> None:
    async with reserved(live, "Stub 3.8") as token:
        async with live.viewer_of(token) as first:
            assert await first.recv() == BANNER
            before = row(live, token)
            if how == "cut":
                cut(first)
        await until(live, token, [how])

        async with live.viewer_of(token) as again:
            assert await again.recv() == BANNER

            assert row(live, token) == before
            assert endings(live, before["id"]) == [how, ""]


async def test_a_line_that_was_cut_keeps_the_session_for_reconnect_seconds(live: LiveServer) -> None:
    async with reserved(live, "Echo") as token:
        async with live.viewer_of(token) as viewer:
            await viewer.send(b"hello")
            await viewer.recv()
            cut(viewer)
        await until(live, token, ["cut"])
        # Longer than `linger`, shorter than `reconnect`.
        await asyncio.sleep(0.6)
        assert row(live, token)["state"] == "running"

        await over(live, token, "last_viewer")


async def test_who_came_back_and_then_says_goodbye_is_waited_for_no_longer(live: LiveServer) -> None:
    async with reserved(live, "Patient") as token:
        async with live.viewer_of(token) as first:
            assert await first.recv() == BANNER
            cut(first)
        await until(live, token, ["cut"])
        async with live.viewer_of(token) as again:
            assert await again.recv() == BANNER

        await over(live, token, "last_viewer")


async def test_a_line_that_is_found_cut_only_after_its_user_came_back_is_not_waited_for(live: LiveServer) -> None:
    async with reserved(live, "Patient") as token, live.viewer_of(token) as first:
        assert await first.recv() == BANNER
        async with live.viewer_of(token) as again:
            assert await again.recv() == BANNER
        cut(first)

        await over(live, token, "last_viewer")


async def test_that_staff_had_a_look_does_not_end_a_session_that_its_user_has_not_opened_yet(
    live: LiveServer,
) -> None:
    async with launched(live, "alice", "Pattern") as session:
        await asyncio.to_thread(live.say_why, "manager", session)
        async with live.page_viewer("manager", session) as peek:
            assert await peek.recv() == BANNER
        await eventually_async(lambda: endings(live, session) == ["clean"])
        # Longer than `linger`.
        await asyncio.sleep(0.6)

        async with live.page_viewer("alice", session) as hers:
            assert await Stream(hers).read(12) == BANNER


# ---- being refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/websockify", "/websockify?token=", "/websockify?token=nobody-has-this", "/other?token=x", "/"]
)
async def test_without_a_good_token_the_upgrade_is_refused(live: LiveServer, path: str) -> None:
    assert await refusal(live.websocket(path)) == 403


async def test_the_token_of_a_session_that_has_ended_is_refused(live: LiveServer) -> None:
    async with reserved(live, "Echo") as token:
        pass

    assert await refusal(live.viewer_of(token)) == 403


async def test_a_rest_session_is_opened_by_its_token_from_any_page(live: LiveServer) -> None:
    async with reserved(live, "Echo") as token:
        async with live.viewer_of(token, origin="https://elsewhere.example") as viewer:
            await viewer.send(b"hello")
            assert await viewer.recv() == b"hello"
        session = row(live, token)["id"]
        # Its id opens nothing for those who are not staff.
        path = f"/sessions/{session[:8]}-{session[8:12]}-{session[12:16]}-{session[16:20]}-{session[20:]}/websockify"
        assert await refusal(live.websocket(path)) == 403
        assert await refusal(live.websocket(path, live.login("alice"), live.url)) == 403


async def test_a_users_session_is_opened_by_the_users_cookie_from_the_sites_own_pages(live: LiveServer) -> None:
    async with launched(live, "alice", "Pattern") as session:
        path, cookie, site = f"/sessions/{session}/websockify", live.login("alice"), live.url
        port = f":{live.port}"
        refused = [
            (None, site),
            (cookie, None),
            (cookie, "null"),
            (cookie, site.replace("http", "https")),
            (cookie, site.replace(port, "")),
            (cookie, site.replace("127.0.0.1", "localhost")),
            (cookie, "http://elsewhere.example"),
            ("gateway_session=0123456789abcdefghijklmnopqrstuv", site),
            (live.login("bob"), site),
            (live.login("staff"), site),
        ]
        for shown, origin in refused:
            assert await refusal(live.websocket(path, shown, origin)) == 403, (shown, origin)

        async with live.websocket(path, cookie, site) as viewer:
            assert await viewer.recv() == BANNER
        async with live.websocket(f"/behind/a/proxy{path}", cookie, site) as viewer:
            assert await viewer.recv() == BANNER
