"""`serve --workers` beside `supervise`: whoever supervises dies or is paused, and viewers notice nothing of it."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import SESSIONS
from tests.integration.live import LiveServer
from tests.integration.server.test_crew import processes
from tests.integration.server.test_standby import Supervisor
from tests.integration.sharing import AT_ONCE, SENT_AWAY, act, at_the_stub, give, let_in, types
from tests.integration.streams import closed
from tests.waiting import eventually, eventually_async

STUB = "Stub 3.8"
TAKEN = "supervising, epoch"
WITHIN = 10.0
"""Seconds from when a supervisor is killed or paused until everything works again: the promise."""


@pytest.fixture
def site(site_template: Path) -> Iterator[tuple[LiveServer, Supervisor]]:
    """A crew that supervises, and one that stands by."""
    crew = LiveServer(site_template, {STUB: SESSIONS[STUB]}, REMOTE_SERVICE_LEASE_TIME="2")
    standby = None
    try:
        crew.start("--workers", "2")
        standby = Supervisor(crew, "standby")  # type: ignore[arg-type]
        standby.says("another supervisor is at work")
        yield crew, standby
    finally:
        if standby is not None:
            standby.send(signal.SIGINT)
            standby.process.wait(10)
        crew.clean_up()


async def shared_screen_works(crew: LiveServer, session: str) -> None:
    """Bob comes to a screen of Alice's, may type and not type, and is sent away; his row tells how he left."""
    await let_in(crew, "bob", session, audience="user", user="bob")
    async with crew.page_viewer("bob", session) as line:
        async with at_the_stub(crew.page_viewer("bob", session)) as bob:
            assert not await types(bob)
            for control in (True, False):
                await give(crew, session, bob, control)
        began = time.monotonic()
        await asyncio.to_thread(act, crew, session, "revoke")
        assert await closed(line) == SENT_AWAY
        assert time.monotonic() - began < AT_ONCE
    left = "SELECT count(*) FROM remote_service_viewer WHERE close_code = 4001 AND closed_at IS NOT NULL"
    await eventually_async(lambda: crew.query(left) == [(1,)])


async def test_whoever_supervises_the_crew_answers_what_viewers_may(site: tuple[LiveServer, Supervisor]) -> None:
    crew, standby = site
    session = await asyncio.to_thread(crew.launch, "alice", STUB)
    standby.says("standing by with 1 session types loaded")
    async with at_the_stub(crew.page_viewer("alice", session)) as alice:
        began = time.monotonic()
        # Its successor in the crew may be quicker than the one that stands by.
        while TAKEN not in standby.output_file.read_text():
            for supervisor in processes(crew, "supervisor"):
                supervisor.kill()
        async with at_the_stub(crew.page_viewer("alice", session)):
            pass
        assert time.monotonic() - began < WITHIN
        another = await asyncio.to_thread(crew.launch, "alice", STUB)
        async with at_the_stub(crew.page_viewer("alice", another)):
            assert time.monotonic() - began < WITHIN
        await shared_screen_works(crew, session)
        eventually(lambda: "another supervisor is at work" in crew.output)
        done = await asyncio.to_thread(crew.manage, "sessions", "stop", another, "--reason", "Enough.", "--wait")
        assert done.returncode == 0, done.stderr

        # Now the crew's stands by, and takes over when the other one is paused; then that one is at home again.
        before = crew.output.count(TAKEN)
        standby.send(signal.SIGSTOP)
        paused = time.monotonic()
        eventually(lambda: crew.output.count(TAKEN) > before, WITHIN)
        assert time.monotonic() - paused < WITHIN
        standby.send(signal.SIGCONT)
        standby.says("another supervisor has taken over; standing by")

        # A paused one is asked by the relay, and does not answer: another process does.
        (supervisor,) = processes(crew, "supervisor")
        supervisor.suspend()
        paused = time.monotonic()
        async with at_the_stub(crew.page_viewer("alice", session)):
            assert time.monotonic() - paused < WITHIN
        eventually(lambda: standby.output_file.read_text().count(TAKEN) == 2, WITHIN)
        supervisor.resume()
        assert await types(alice)
    assert [row.state for row in crew.rows()] == ["running", "ended"]
    assert "The gateway cannot reach its database" not in crew.output
