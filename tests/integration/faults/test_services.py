"""PostgreSQL and Redis are restarted, and are away for a while: sessions go on, and all comes back by itself.

The site has a relay, two processes for pages and a supervisor, and reaches both by TCP, with passwords.
"""

from __future__ import annotations

import time
from contextlib import ExitStack

import psutil
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from remote_service.relay import closing
from tests.integration.faults.services import Postgres, RedisServer
from tests.integration.faults.site import LINGER, ServicesSite, echoes, readiness
from tests.integration.leftovers import command
from tests.waiting import eventually

AWAY = 20.0
"""Seconds for which PostgreSQL is away: longer than a gateway may be silent, and than sessions wait for a viewer."""
BACK_WITHIN = 10.0
MOST_TRIES = 5
"""As `MOST_FEW` of the viewer's page."""


def states(site: ServicesSite) -> dict[str, str]:
    return {row.id: row.state for row in site.rows()}


def come_in(site: ServicesSite, name: str, session: str) -> ClientConnection:
    """A viewer as a page opens it: told that the database is away, it comes again, a few times."""
    for _ in range(MOST_TRIES):
        viewer = site.open_page(name, session)
        try:
            echoes(viewer)
        except ConnectionClosed as end:
            assert end.rcvd is not None
            assert (end.rcvd.code, end.rcvd.reason) == (closing.RELAY_ERROR, closing.NO_DATABASE)
        else:
            return viewer
    raise AssertionError(f"a page would have given up after {MOST_TRIES} tries")


def opens_everywhere(site: ServicesSite, name: str, session: str) -> None:
    """Whichever process for pages is asked, new viewers are let in: of sixteen some meet either."""
    with ExitStack() as viewers:
        for _ in range(16):
            viewers.enter_context(come_in(site, name, session))


def supervisor(site: ServicesSite) -> int:
    (found,) = (child.pid for child in psutil.Process(site.pid).children() if "serve_part supervisor" in command(child))
    return found


def test_postgresql_and_redis_are_reached_by_tcp_with_passwords(site: ServicesSite) -> None:
    assert {name: check["ok"] for name, check in readiness(site).items()} == dict.fromkeys(
        ("database", "types", "supervisor", "channel layer", "relay"), True
    )
    assert "postgres://" not in site.output


def test_postgresql_is_restarted_and_nobody_loses_anything(site: ServicesSite, postgres: Postgres) -> None:
    session, supervising = site.launch("alice", "Echo"), supervisor(site)
    with site.open_page("alice", session) as viewer:
        echoes(viewer)
        opens_everywhere(site, "alice", session)

        postgres.restart()

        echoes(viewer)
        eventually(site.ready, within=BACK_WITHIN)
        opens_everywhere(site, "alice", session)
        other = site.launch("bob", "Echo")
        with site.open_page("bob", other) as second:
            echoes(second)
            assert states(site)[session] == states(site)[other] == "running"
        assert supervisor(site) == supervising
        echoes(viewer)


def test_postgresql_is_away_for_longer_than_anything_waits_and_it_goes_on(
    site: ServicesSite, postgres: Postgres
) -> None:
    """One user looks all the while; another one has closed the page just before, and cannot come back meanwhile."""
    watched, left = site.launch("alice", "Echo"), site.launch("charlie", "Echo")
    with site.open_page("charlie", left) as viewer:
        echoes(viewer)
    with site.open_page("alice", watched) as viewer:
        echoes(viewer)
        eventually(lambda: site.query("SELECT 1 FROM remote_service_viewer WHERE ending = 'clean'"))
        assert LINGER < AWAY

        postgres.stop()
        began = time.monotonic()
        eventually(lambda: not site.ready(), within=BACK_WITHIN)
        page = site.get("bob", "/")
        assert page.status == 503
        assert "The gateway cannot reach its database" in page.text
        assert site.rest("/v1/status").body["error"] == "database_away"
        while time.monotonic() - began < AWAY:
            echoes(viewer)
            time.sleep(0.5)
        postgres.start()

        eventually(site.ready, within=BACK_WITHIN)
        with come_in(site, "charlie", left) as back:
            echoes(back)
        opens_everywhere(site, "alice", watched)
        echoes(viewer)
        assert states(site)[watched] == states(site)[left] == "running"
        # The gateway was heard no more, and neither was anybody else: its viewers do not count as cut.
        cut = "SELECT 1 FROM remote_service_viewer WHERE ending = 'cut' AND session_id = ?"
        assert site.query(cut, watched) == []


def test_redis_is_restarted_and_nobody_notices(site: ServicesSite, redis: RedisServer) -> None:
    session = site.launch("alice", "Echo")
    with site.open_page("alice", session) as viewer:
        echoes(viewer)

        redis.stop()
        try:
            eventually(lambda: not site.ready(), within=BACK_WITHIN)
            told = readiness(site)["channel layer"]
            assert "CHANNEL_LAYER_URL cannot be reached" in told["detail"]
            assert f"127.0.0.1:{redis.port}" in told["detail"]
            echoes(viewer)
            # What is wanted and what has changed stands in the database: all works, up to a second late.
            other = site.launch("bob", "Echo")
            with site.open_page("bob", other) as second:
                echoes(second)
            site.stop_session("bob", other)
            eventually(lambda: states(site)[other] == "ended")
        finally:
            redis.start()

        eventually(site.ready, within=BACK_WITHIN)
        echoes(viewer)
        assert states(site)[session] == "running"
