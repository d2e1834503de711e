"""PostgreSQL and Redis hang: they are frozen, so that connections are taken and never answered."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import psutil

from tests.integration.faults.services import Postgres, RedisServer
from tests.integration.faults.site import ServicesSite, echoes, readiness
from tests.integration.leftovers import command, lives
from tests.waiting import eventually

MOST_ANSWER = 30.0
"""Seconds that a page may take at most: 12 for an answer that never comes, and as much again on a busy machine."""
BACK_WITHIN = 20.0


def state(site: ServicesSite, session: str) -> str:
    (found,) = (row.state for row in site.rows() if row.id == session)
    return str(found)


def supervisors(site: ServicesSite) -> list[psutil.Process]:
    """One, or none while it is started again."""
    return [child for child in psutil.Process(site.pid).children() if "serve_part supervisor" in command(child)]


def seconds_of(call: Callable[[], object]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


def test_redis_hangs_and_neither_pages_nor_the_supervisor_wait_for_it(site: ServicesSite, redis: RedisServer) -> None:
    session = site.launch("alice", "Echo")
    with site.open_page("alice", session) as viewer:
        echoes(viewer)
        with redis.frozen():
            eventually(lambda: not site.ready(), within=BACK_WITHIN)
            assert "CHANNEL_LAYER_URL cannot be reached" in readiness(site)["channel layer"]["detail"]
            other = site.launch("bob", "Echo")
            with site.open_page("bob", other) as second:
                echoes(second)
            site.stop_session("bob", other)
            eventually(lambda: state(site, other) == "ended", within=BACK_WITHIN)
            echoes(viewer)

        eventually(site.ready, within=BACK_WITHIN)
        echoes(viewer)
    assert state(site, session) == "running"


def test_postgresql_hangs_and_everybody_is_told_within_bounds_and_it_goes_on(
    site: ServicesSite, postgres: Postgres
) -> None:
    session, supervising = site.launch("alice", "Echo"), supervisors(site)
    with site.open_page("alice", session) as viewer:
        echoes(viewer)
        with postgres.frozen():
            assert seconds_of(lambda: eventually(lambda: not site.ready(), within=MOST_ANSWER)) < MOST_ANSWER

            began = time.monotonic()
            page = site.get("alice", f"/sessions/{session}/details/")
            assert time.monotonic() - began < MOST_ANSWER
            assert page.status == 503
            assert "The gateway cannot reach its database" in page.text
            assert 'http-equiv="refresh"' in page.text
            assert "OperationalError" not in page.text

            began = time.monotonic()
            told = site.rest("/v1/status")
            assert time.monotonic() - began < MOST_ANSWER
            assert (told.status, told.body["error"]) == (503, "database_away")
            echoes(viewer)

        eventually(site.ready, within=BACK_WITHIN)
        echoes(viewer)
        # Of sixteen requests some meet either process for pages.
        eventually(lambda: all(site.get("alice", "/").status == 200 for _ in range(16)), within=BACK_WITHIN)
        other = site.launch("bob", "Echo")
        eventually(lambda: state(site, other) == "running", within=BACK_WITHIN)
        assert state(site, session) == "running"
        assert supervisors(site) == supervising
    assert "the database cannot be reached, and who asks for a page is told so (503)" in site.output
    assert "Traceback" not in site.output


def test_a_supervisor_whose_query_hangs_ends_by_sigterm_and_another_one_finds_its_sessions(
    site: ServicesSite, postgres: Postgres
) -> None:
    session, (ending,) = site.launch("alice", "Echo"), supervisors(site)
    with site.open_page("alice", session) as viewer:
        echoes(viewer)
        with postgres.frozen():
            # Its ticks and renewals come once a second: by now a query hangs, or begins to.
            eventually(lambda: not site.ready(), within=MOST_ANSWER)
            ending.send_signal(signal.SIGTERM)
            eventually(lambda: not lives(ending), within=MOST_ANSWER)
            echoes(viewer)

        eventually(lambda: [found for found in supervisors(site) if found != ending], within=BACK_WITHIN)
        eventually(site.ready, within=BACK_WITHIN)
        echoes(viewer)
        site.stop_session("alice", session)
        eventually(lambda: state(site, session) == "ended", within=BACK_WITHIN)
