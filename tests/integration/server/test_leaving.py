"""The server is asked to end without its sessions (SIGTERM): they wait for the next start, whoever looks at them."""

from __future__ import annotations

import time
from contextlib import suppress
from http.client import HTTPException
from threading import Thread

from tests.integration.live import Reservation
from tests.integration.server.marked_site import MarkedSite, lasting
from tests.integration.serving import ENDS_WITHIN
from tests.waiting import eventually

DESKTOP, PATTERN, SLOW, KEPT = "Desktop", "Pattern", "Slow to start", "Kept"
LINGER, RECONNECT = 0.3, 2.0
BRIEF = {"linger": LINGER, "reconnect": RECONNECT}


def ask_to_stop(site: MarkedSite, reservation: Reservation) -> None:
    """Asks, and does not mind that the server goes before it answers."""
    with suppress(OSError, HTTPException):
        site.rest(f"/v1/release/{reservation.token}")


def test_it_ends_soon_and_the_next_start_has_the_same_processes(site: MarkedSite) -> None:
    site.write_sessions({DESKTOP: site.entry("marked_desktop.py"), PATTERN: site.entry("marked_pattern.py")})
    site.start()
    viewers = [site.run_session(name)[1] for name in (DESKTOP, PATTERN)]
    sessions = site.ids()
    before = {session: lasting(session) for session in sessions}

    ended = site.leave()

    for viewer in viewers:
        viewer.close()
        assert (viewer.close_code, viewer.close_reason) == (1012, "The server was stopped.")
    assert ended.status == 0, site.output
    assert ended.seconds < ENDS_WITHIN
    assert {session: lasting(session) for session in sessions} == before

    site.start()

    eventually(lambda: site.output.count("found again") == len(sessions))
    assert {session: lasting(session) for session in sessions} == before
    for reservation in site.reservations:
        with site.open(reservation) as viewer:
            assert viewer.recv(20) == b"RFB 003.008\n"
    assert [mark.call for mark in site.marks()] == ["start", "start"]
    site.release_all()
    eventually(lambda: not site.leftovers.of(sessions))
    assert {row.end_reason for row in site.rows()} == {"released"}


def test_whose_line_was_cut_by_it_has_all_the_time_to_come_back_after_the_next_start(site: MarkedSite) -> None:
    site.write_sessions({PATTERN: site.entry("marked_pattern.py", limits=BRIEF)})
    site.start()
    reservation, viewer = site.run_session(PATTERN)
    site.leave()
    viewer.close()
    assert site.query("SELECT ending FROM remote_service_viewer") == [("cut",)]
    time.sleep(RECONNECT + 1)  # a restart that takes its time is nobody's fault

    site.start()

    with site.open(reservation) as viewer:
        assert viewer.recv(20) == b"RFB 003.008\n"
        assert site.row(reservation).state == "running"
    # Who does not come back is waited for no longer than after any other cut.
    eventually(lambda: site.row(reservation).state == "ended", within=LINGER + 5)
    assert site.row(reservation).end_reason == "last_viewer"


def test_who_does_not_come_back_is_not_waited_for_without_end(site: MarkedSite) -> None:
    site.write_sessions({PATTERN: site.entry("marked_pattern.py", limits=BRIEF)})
    site.start()
    reservation, _ = site.run_session(PATTERN)
    site.leave()

    site.start()

    eventually(lambda: site.row(reservation).state == "ended", within=RECONNECT + 10)
    assert site.row(reservation).end_reason == "last_viewer"


def test_a_kept_session_is_kept_and_an_unused_reservation_can_be_used(site: MarkedSite) -> None:
    site.write_sessions(
        {
            KEPT: site.entry("marked_pattern.py", limits=BRIEF, on_last_disconnect="keep"),
            PATTERN: site.entry("marked_pattern.py", limits={"reservation_timeout": 3}),
        }
    )
    site.start()
    kept, viewer = site.run_session(KEPT)
    viewer.close()
    unused = site.reserve(PATTERN)
    site.leave()
    assert site.row(unused).state == "reserved"
    time.sleep(3)  # nobody could use it meanwhile

    site.start()

    with site.open(unused) as viewer:
        assert viewer.recv(20) == b"RFB 003.008\n"
    assert site.row(kept).state == "running"


def test_a_session_that_still_starts_has_started_once_when_the_next_start_finds_it(site: MarkedSite) -> None:
    site.write_sessions({SLOW: site.entry("marked_pattern.py", options={"takes": 1.5})})
    site.start()
    reservation = site.reserve(SLOW)
    viewer = site.open(reservation)
    session = site.row(reservation).id
    eventually(lambda: site.calls("start", session) == 1)

    assert site.leave().status == 0
    viewer.close()
    assert site.row(reservation).state == "starting"
    site.start()

    eventually(lambda: site.row(reservation).state == "running", within=10)
    assert site.calls("start", session) == 1


def test_a_session_whose_stop_is_under_way_is_stopped_once(site: MarkedSite) -> None:
    site.write_sessions({SLOW: site.entry("marked_pattern.py", options={"stop": 3.0})})
    site.start()
    reservation, _ = site.run_session(SLOW)
    session = site.row(reservation).id
    asking = Thread(target=ask_to_stop, args=[site, reservation])
    asking.start()
    eventually(lambda: site.calls("stop", session) == 1)

    assert site.leave().seconds < ENDS_WITHIN
    asking.join()
    site.start()

    eventually(lambda: site.row(reservation).state == "ended", within=10)
    assert site.row(reservation).end_reason == "released"
    assert site.calls("stop", session) == 1
    eventually(lambda: not site.leftovers.of([session]))


def test_it_may_be_started_anew_as_often_as_one_likes(site: MarkedSite) -> None:
    site.write_sessions({PATTERN: site.entry("marked_pattern.py")})
    site.start()
    reservation, _ = site.run_session(PATTERN)
    before = lasting(site.row(reservation).id)
    for _ in range(3):
        site.leave()
        site.start()
        with site.open(reservation) as viewer:
            assert viewer.recv(20) == b"RFB 003.008\n"

    assert lasting(site.row(reservation).id) == before
    assert site.query("SELECT epoch FROM remote_service_lease") == [(4,)]
