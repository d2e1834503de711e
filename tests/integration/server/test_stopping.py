"""The server is asked to end with its sessions: each is stopped once, side by side, and nothing is left."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from tests.integration.server.marked_site import MarkedSite
from tests.integration.serving import ENDS_WITHIN, Ended
from tests.waiting import eventually

DESKTOP, SLOW, QUICK, HANGS = "Desktop", "Slow to stop", "Quick", "Never stops"


def by_signal(number: signal.Signals) -> Callable[[MarkedSite], Ended]:
    return lambda site: site.stop(number)


def by_rest(site: MarkedSite) -> Ended:
    began = time.monotonic()
    assert site.rest("/v1/stop") == (200, {"stopping": True})
    return site.wait_for_end(began)


@pytest.fixture
def busy_site(site: MarkedSite) -> MarkedSite:
    """Five sessions: two desktops, a pattern, one whose stop takes its time, one whose stop never returns."""
    site.write_sessions(
        {
            DESKTOP: site.entry("marked_desktop.py", 2),
            QUICK: site.entry("marked_pattern.py"),
            SLOW: site.entry("marked_pattern.py", options={"stop": 0.8}),
            HANGS: site.entry("marked_pattern.py", options={"stop": "hang"}),
        }
    )
    site.start()
    return site


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(by_signal(signal.SIGINT), id="SIGINT"),
        pytest.param(by_rest, id="v1-stop"),
    ],
)
def test_it_ends_within_five_seconds_with_all_its_sessions(
    busy_site: MarkedSite, ask: Callable[[MarkedSite], Ended]
) -> None:
    viewers = [busy_site.run_session(name)[1] for name in (DESKTOP, DESKTOP, QUICK, SLOW, HANGS)]
    sessions = busy_site.ids()
    busy_site.leftovers.remember(busy_site.pid, sessions)
    assert len(busy_site.leftovers.x_files) == 2

    ended = ask(busy_site)

    for viewer in viewers:
        viewer.close()
    assert ended.status == 0, busy_site.output
    assert ended.seconds < ENDS_WITHIN
    assert busy_site.leftovers.of(sessions) == []
    rows = {row.id: row for row in busy_site.rows()}
    assert {(row.state, row.end_reason) for row in rows.values()} == {("ended", "server_stopped")}
    assert {session: busy_site.calls("stop", session) for session in sessions} == dict.fromkeys(sessions, 1)
    # Only the slot of which nobody knows what its script left is kept from the next user.
    assert [row.type_name for row in rows.values() if row.quarantined] == [HANGS]


def test_it_stops_its_sessions_side_by_side(site: MarkedSite) -> None:
    site.write_sessions({SLOW: site.entry("marked_pattern.py", 4, {"stop": 0.7})})
    site.start()
    viewers = [site.run_session(SLOW)[1] for _ in range(4)]

    assert site.stop().status == 0

    for viewer in viewers:
        viewer.close()
    begun = [mark.at for mark in site.marks() if mark.call == "stop"]
    done = [mark.at for mark in site.marks() if mark.call == "stopped"]
    assert len(begun) == len(done) == 4
    assert max(begun) < min(done)


def test_viewers_are_told_that_the_server_restarts(site: MarkedSite) -> None:
    site.write_sessions({QUICK: site.entry("marked_pattern.py")})
    site.start()
    _, viewer = site.run_session(QUICK)

    assert site.stop().status == 0

    viewer.close()
    assert (viewer.close_code, viewer.close_reason) == (1012, "The server was stopped.")


def test_a_reservation_that_nobody_used_is_given_back_when_the_server_stops(site: MarkedSite) -> None:
    site.write_sessions({QUICK: site.entry("marked_pattern.py")})
    site.start()
    reservation = site.reserve(QUICK)

    assert site.stop().status == 0

    row = site.row(reservation)
    assert (row.state, row.end_reason) == ("ended", "server_stopped")
    assert site.marks() == []


def test_it_can_be_stopped_while_a_session_still_starts(site: MarkedSite) -> None:
    site.write_sessions({HANGS: site.entry("marked_pattern.py", options={"start": "hang"})})
    site.start()
    reservation = site.reserve(HANGS)
    viewer = site.open(reservation)
    session = site.row(reservation).id

    eventually(lambda: site.calls("start", session) == 1)
    site.leftovers.remember(site.pid, [session])

    ended = site.stop()

    viewer.close()
    assert ended.status == 0
    assert site.leftovers.of([session]) == []
    assert site.row(reservation).end_reason == "server_stopped"
    assert site.calls("stop", session) == 1


def test_it_can_be_stopped_while_it_loads_its_scripts(site: MarkedSite) -> None:
    site.scripts.joinpath("sleeper.py").write_text("import time\ntime.sleep(60)\n")
    site.write_sessions({"Sleeper": site.entry("sleeper.py")})
    site.begin()

    eventually(lambda: site.hosts("Sleeper"), within=10)
    site.leftovers.remember(site.pid, [])

    ended = site.stop()

    assert ended.status == 0, site.output
    assert site.leftovers.of([]) == []
