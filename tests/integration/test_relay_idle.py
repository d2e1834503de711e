"""What counts as use of a session: real input, of anybody who may control it, and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from remote_service.tasks import spawn
from tests.integration.live import LiveServer
from tests.integration.streams import Stream, closed, launched

LIMIT = 4.0
"""Seconds; a gateway writes what it saw every 2."""
KEY = bytes.fromhex("04 01 0000 00000061")
REQUEST = bytes.fromhex("03 01 0000 0000 0001 0001")
ENDED = (4008, "Nobody used keyboard or pointer for too long.")


@pytest.fixture(scope="module")
def site(site_template: object) -> Iterator[LiveServer]:
    """A site whose sessions are idle soon."""
    pattern = {"script": "test_pattern.py", "count": 3, "options": {"sizes": ["320x240"]}}
    server = LiveServer(site_template, {"Pattern": {**pattern, "limits": {"idle_timeout": LIMIT}}})  # type: ignore[arg-type]
    try:
        server.start()
        yield server
    finally:
        server.clean_up()


async def keep_sending(viewer: Stream, message: bytes, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await viewer.send(message)
        await asyncio.sleep(0.3)


async def test_one_viewer_who_types_keeps_it_for_all(site: LiveServer) -> None:
    async with (
        launched(site, "alice", "Pattern") as session,
        site.page_viewer("alice", session) as typing,
        site.page_viewer("alice", session) as quiet,
    ):
        viewer = Stream(typing)
        await viewer.log_in()
        await Stream(quiet).log_in()
        await keep_sending(viewer, KEY, 2.5 * LIMIT)

        asked = "SELECT state FROM remote_service_session WHERE id = ?"
        assert site.query(asked, session.replace("-", "")) == [("running",)]
        assert await asyncio.gather(closed(typing), closed(quiet)) == [ENDED, ENDED]


@pytest.mark.parametrize(
    ("who", "message"), [("alice", REQUEST), ("looker", KEY)], ids=["update requests", "keys of who may only look"]
)
async def test_what_is_no_input_does_not_count(site: LiveServer, who: str, message: bytes) -> None:
    async with launched(site, "alice", "Pattern") as session, site.page_viewer("alice", session) as hers:
        await Stream(hers).log_in()
        if who != "alice":
            await asyncio.to_thread(site.say_why, who, session)
        async with site.page_viewer(who, session) as other:
            viewer = Stream(other)
            await viewer.log_in()
            sending = spawn(keep_sending(viewer, message, 60), name="sending")
            try:
                assert await closed(other) == ENDED
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
