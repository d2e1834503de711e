"""The server is killed: the next start goes on with what it left; what cannot go on is ended for a stated reason."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import suppress

import psutil
import pytest

from tests.integration.leftovers import command, lives, marked
from tests.integration.server.marked_site import OURS, MarkedSite, lasting
from tests.integration.serving import free_port
from tests.waiting import eventually

DESKTOP, PATTERN, DAEMON, NEXUS = "Desktop", "Pattern", "Daemon", "Nexus"
TYPES = (DESKTOP, PATTERN, DAEMON, NEXUS)


@pytest.fixture
def port() -> int:
    """Where the Nexus script's server listens."""
    return free_port()


@pytest.fixture
def busy_site(site: MarkedSite, port: int) -> MarkedSite:
    """A desktop, a pattern, a script that leaves a daemon behind, a Nexus script whose server makes itself one."""
    site.write_sessions(
        {
            DESKTOP: site.entry("marked_desktop.py"),
            PATTERN: site.entry("marked_pattern.py"),
            DAEMON: site.entry("marked_pattern.py", options={"daemon": True}),
            NEXUS: site.entry("nexus_style.py", options={"port": port}),
        }
    )
    site.start()
    for name in TYPES:
        site.run_session(name)
    site.leftovers.remember(site.pid, site.ids())
    return site


def programs(session: str) -> set[int]:
    """Its lasting processes that are none of ours."""
    return lasting(session) - {process.pid for process in marked(session) if OURS in command(process)}


def kill_with_runners(site: MarkedSite) -> None:
    """Kills the server, and each session's runner and worker with it, so that no runner hears of the end."""
    ours = [process for process in psutil.Process(site.pid).children(recursive=True) if OURS in command(process)]
    os.kill(site.pid, signal.SIGSTOP)
    for process in ours:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    site.kill()
    eventually(lambda: not any(lives(process) for process in ours))


def found_again(site: MarkedSite, session: str) -> bool:
    return f"session {session}: found again" in site.output


def assert_all_can_be_stopped(site: MarkedSite, sessions: list[str], port: int) -> None:
    """Each session's end can be asked for; then its script's stop is called once, and everything is free again."""
    site.release_all()

    eventually(lambda: all(row.state in ("ended", "failed") for row in site.rows()), within=20)
    eventually(lambda: not site.leftovers.of(sessions))
    assert {session: site.calls("stop", session) for session in sessions} == dict.fromkeys(sessions, 1)
    assert {name: site.free_slots(name) for name in TYPES} == dict.fromkeys(TYPES, 1)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_sessions_of_a_killed_server_go_on_with_the_next_as_if_nothing_had_happened(
    busy_site: MarkedSite, port: int
) -> None:
    sessions = busy_site.ids()
    before = {session: lasting(session) for session in sessions}
    hosts = [host for name in TYPES for host in busy_site.hosts(name)]
    busy_site.kill()
    # The hosts go with their server; the sessions stay.
    eventually(lambda: not any(lives(host) for host in hosts))

    busy_site.start()

    eventually(lambda: all(found_again(busy_site, session) for session in sessions), within=20)
    assert {session: lasting(session) for session in sessions} == before
    assert [row.state for row in busy_site.rows()] == ["running"] * len(TYPES)
    for reservation in busy_site.reservations:
        with busy_site.open(reservation) as viewer:
            assert str(viewer.recv(20), "ascii").startswith("RFB ")
    assert [mark.call for mark in busy_site.marks()] == ["start"] * len(TYPES)
    assert_all_can_be_stopped(busy_site, sessions, port)
    assert {row.end_reason for row in busy_site.rows()} == {"released"}


def test_the_slots_can_be_used_again_afterwards(busy_site: MarkedSite, port: int) -> None:
    sessions = busy_site.ids()
    busy_site.kill()
    busy_site.start()
    assert_all_can_be_stopped(busy_site, sessions, port)

    for name in TYPES:
        reservation, _ = busy_site.run_session(name)
        assert busy_site.row(reservation).state == "running"


def test_programs_go_on_under_new_runners_when_those_were_killed_too(busy_site: MarkedSite, port: int) -> None:
    sessions = busy_site.ids()
    kill_with_runners(busy_site)
    # The desktop's programs, the daemons; of the pattern nothing is left, its screen was its worker's.
    survived = {session: programs(session) for session in sessions}
    assert [bool(survived[row.id]) for row in busy_site.rows()] == [
        row.type_name != PATTERN for row in busy_site.rows()
    ]

    busy_site.start()

    rows = {row.type_name: row for row in busy_site.rows()}
    for name in (DESKTOP, NEXUS):
        eventually(lambda name=name: f"session {rows[name].id}: its runner had ended" in busy_site.output, within=20)  # type: ignore[misc]
    # Of the others the screen was in a process of ours, so nothing is left to look at.
    eventually(lambda: {row.type_name for row in busy_site.rows() if row.state == "ended"} == {PATTERN, DAEMON}, 20)
    assert {(row.end_reason, row.end_detail[:18]) for row in busy_site.rows() if row.state == "ended"} == {
        ("program_ended", "Nothing listens at")
    }
    assert [busy_site.calls("stop", rows[name].id) for name in (PATTERN, DAEMON)] == [1, 1]
    for name in (DESKTOP, NEXUS):
        with busy_site.open(busy_site.reservation(name)) as viewer:
            assert str(viewer.recv(20), "ascii").startswith("RFB ")
        assert programs(rows[name].id) == survived[rows[name].id]
        assert busy_site.calls("start", rows[name].id) == 1
        assert busy_site.query(
            "SELECT count(*) FROM remote_service_sessionevent WHERE what = 'runner replaced' AND session_id = ?",
            rows[name].id.replace("-", ""),
        ) == [(1,)]
    assert_all_can_be_stopped(busy_site, sessions, port)


def test_a_runner_that_is_killed_while_the_server_runs_gets_a_successor(site: MarkedSite) -> None:
    site.write_sessions({DESKTOP: site.entry("marked_desktop.py")})
    site.start()
    reservation, viewer = site.run_session(DESKTOP)
    session = site.row(reservation).id
    before = programs(session)
    site.leftovers.remember(None, [session])

    for process in marked(session):
        if OURS in command(process):
            process.kill()

    eventually(lambda: f"session {session}: its runner had ended" in site.output, within=20)
    assert programs(session) == before
    # Who looked on all the while was not sent away.
    viewer.send(b"RFB 003.008\n")
    assert viewer.recv(20)
    assert site.row(reservation).state == "running"
    site.release_all()
    assert site.calls("stop", session) == 1
    eventually(lambda: not site.leftovers.of([session]))


def test_a_server_killed_while_its_scripts_stop_leaves_nothing(site: MarkedSite) -> None:
    site.write_sessions({PATTERN: site.entry("marked_pattern.py", options={"stop": 1.0})})
    site.start()
    reservation, _ = site.run_session(PATTERN)
    session = site.row(reservation).id
    site.leftovers.remember(site.pid, [session])
    os.kill(site.pid, signal.SIGINT)
    eventually(lambda: site.calls("stop", session) == 1)

    site.kill()
    site.start()

    eventually(lambda: site.row(reservation).state == "ended", within=10)
    eventually(lambda: not site.leftovers.of([session]))
    # Why it was ended was known before the server was killed.
    assert site.row(reservation).end_reason == "server_stopped"
    assert site.calls("stop", session) == 1
    assert site.free_slots(PATTERN) == 1


def test_a_server_killed_while_a_script_starts_finds_it_started(site: MarkedSite) -> None:
    site.write_sessions({PATTERN: site.entry("marked_pattern.py", options={"takes": 1.0})})
    site.start()
    reservation = site.reserve(PATTERN)
    site.open(reservation)
    session = site.row(reservation).id
    eventually(lambda: site.calls("start", session) == 1)
    site.kill()

    site.start()

    eventually(lambda: site.row(reservation).state == "running", within=20)
    assert site.calls("start", session) == 1
    with site.open(reservation) as viewer:
        assert viewer.recv(10) == b"RFB 003.008\n"


def test_a_reservation_outlives_a_killed_server(site: MarkedSite) -> None:
    site.write_sessions({PATTERN: site.entry("marked_pattern.py")})
    site.start()
    reservation = site.reserve(PATTERN)
    site.kill()

    site.start()

    with site.open(reservation) as viewer:
        assert viewer.recv(10) == b"RFB 003.008\n"


def test_whose_server_was_killed_counts_as_cut_off_and_is_not_waited_for_without_end(site: MarkedSite) -> None:
    limits = {"linger": 0.2, "reconnect": 2}
    site.write_sessions({PATTERN: site.entry("marked_pattern.py", limits=limits)})
    site.start()
    reservation, _ = site.run_session(PATTERN)
    site.kill()
    time.sleep(3)

    site.start()

    eventually(lambda: site.query("SELECT ending FROM remote_service_viewer") == [("cut",)], within=20)
    assert site.row(reservation).state == "running"
    eventually(lambda: site.row(reservation).end_reason == "last_viewer", within=10)


def test_a_session_of_a_type_that_is_no_longer_there_goes_on_and_is_stopped_by_its_script(site: MarkedSite) -> None:
    site.write_sessions({PATTERN: site.entry("marked_pattern.py"), DAEMON: site.entry("marked_pattern.py")})
    site.start()
    reservation, _ = site.run_session(PATTERN)
    session = site.row(reservation).id
    site.leftovers.remember(site.pid, [session])
    site.kill()
    site.write_sessions({DAEMON: site.entry("marked_pattern.py")})

    site.start()

    eventually(lambda: found_again(site, session))
    assert site.row(reservation).state == "running"
    site.release_all()
    eventually(lambda: not site.leftovers.of([session]))
    assert site.row(reservation).end_reason == "released"
    assert site.calls("stop", session) == 1


def test_a_type_whose_script_host_was_killed_can_be_launched_again(site: MarkedSite) -> None:
    site.write_sessions({PATTERN: site.entry("marked_pattern.py", 2)})
    site.start()
    before, _ = site.run_session(PATTERN)
    (host,) = site.hosts(PATTERN)
    host.kill()
    eventually(lambda: not lives(host))

    after, _ = site.run_session(PATTERN)

    assert site.row(after).state == "running"
    # The session of before has its own runner and notices nothing.
    assert site.row(before).state == "running"
    (successor,) = site.hosts(PATTERN)
    assert successor.pid != host.pid
