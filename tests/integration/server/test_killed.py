"""The server is killed: the next start ends what it left, so that no slot is blocked and nothing leaks."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress

import psutil
import pytest

from tests.integration.leftovers import command, lives, marked
from tests.integration.server.marked_site import MarkedSite
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


def assert_all_is_ended(site: MarkedSite, sessions: list[str], port: int) -> None:
    """Every session of before is over, each script's stop was called once, and everything is free again."""

    def over() -> bool:
        return all(row.state == "ended" for row in site.rows())

    eventually(over, within=20)
    eventually(lambda: not site.leftovers.of(sessions))
    assert {row.id: row.end_reason for row in site.rows()} == dict.fromkeys(sessions, "server_killed")
    assert {session: site.calls("stop", session) for session in sessions} == dict.fromkeys(sessions, 1)
    assert {name: site.free_slots(name) for name in TYPES} == dict.fromkeys(TYPES, 1)
    why = site.query("SELECT DISTINCT why FROM remote_service_sessionevent WHERE to_state = 'ended'")
    assert why == [("The server was killed.",)]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_the_next_start_ends_the_sessions_of_a_killed_server(busy_site: MarkedSite, port: int) -> None:
    sessions = busy_site.ids()
    hosts = [host for name in TYPES for host in busy_site.hosts(name)]
    busy_site.kill()
    # The hosts go with their server; the sessions stay until somebody comes who knows what to do with them.
    eventually(lambda: not any(lives(host) for host in hosts))
    assert all(marked(session) for session in sessions)
    assert [row.state for row in busy_site.rows()] == ["running"] * len(TYPES)

    busy_site.start()

    assert_all_is_ended(busy_site, sessions, port)


def test_the_slots_can_be_used_again_afterwards(busy_site: MarkedSite, port: int) -> None:
    sessions = busy_site.ids()
    busy_site.kill()
    busy_site.start()
    assert_all_is_ended(busy_site, sessions, port)

    for name in TYPES:
        reservation, _ = busy_site.run_session(name)
        assert busy_site.row(reservation).state == "running"


def test_the_next_start_ends_them_when_their_runners_were_killed_too(busy_site: MarkedSite, port: int) -> None:
    sessions = busy_site.ids()
    ours = [
        process
        for process in psutil.Process(busy_site.pid).children(recursive=True)
        if "remote_service.hosting.script_host" in command(process)
    ]
    # A host, and for its one session a runner and a worker, of each type.
    assert len(ours) == 3 * len(TYPES)
    os.kill(busy_site.pid, signal.SIGSTOP)
    for process in ours:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    busy_site.kill()
    eventually(lambda: not any(lives(process) for process in ours))
    # The desktop's programs, the detached processes and the daemon go on without them.
    assert [bool(marked(session)) for session in sessions] == [row.type_name != PATTERN for row in busy_site.rows()]

    busy_site.start()

    assert_all_is_ended(busy_site, sessions, port)


def test_a_server_killed_while_its_scripts_stop_leaves_nothing_either(site: MarkedSite) -> None:
    site.write_sessions({PATTERN: site.entry("marked_pattern.py", options={"stop": 1.0})})
    site.start()
    reservation, _ = site.run_session(PATTERN)
    session = site.row(reservation).id
    site.leftovers.remember(site.pid, [session])
    os.kill(site.pid, signal.SIGTERM)
    eventually(lambda: site.calls("stop", session) == 1)

    site.kill()
    site.start()

    eventually(lambda: site.row(reservation).state == "ended", within=10)
    eventually(lambda: not site.leftovers.of([session]))
    # Why it was ended was known before the server was killed.
    assert site.row(reservation).end_reason == "server_stopped"
    assert site.calls("stop", session) == 1
    assert site.free_slots(PATTERN) == 1


def test_a_reservation_outlives_a_killed_server(site: MarkedSite) -> None:
    site.write_sessions({PATTERN: site.entry("marked_pattern.py")})
    site.start()
    reservation = site.reserve(PATTERN)
    site.kill()

    site.start()

    with site.open(reservation) as viewer:
        assert viewer.recv(10) == b"RFB 003.008\n"


def test_a_session_of_a_type_that_is_no_longer_there_is_ended_all_the_same(site: MarkedSite) -> None:
    site.write_sessions({PATTERN: site.entry("marked_pattern.py"), DAEMON: site.entry("marked_pattern.py")})
    site.start()
    reservation, _ = site.run_session(PATTERN)
    session = site.row(reservation).id
    site.leftovers.remember(site.pid, [session])
    site.kill()
    site.write_sessions({DAEMON: site.entry("marked_pattern.py")})

    site.start()

    eventually(lambda: site.row(reservation).state == "ended", within=10)
    eventually(lambda: not site.leftovers.of([session]))
    assert site.row(reservation).end_reason == "server_killed"
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
