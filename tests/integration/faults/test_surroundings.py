"""What is around a site fails: its clock, its name server, a VNC server, a script host, a runner; and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from remote_service.relay import closing
from tests.integration.faults.site import echoes, is_ready, started
from tests.integration.faults.surroundings import HOST, Surroundings
from tests.integration.leftovers import command, lives, marked
from tests.waiting import eventually

HOUR = 3600


@pytest.fixture(scope="module")
def site(site_template: Path) -> Iterator[Surroundings]:
    made = Surroundings(site_template)
    with started(made):
        eventually(lambda: is_ready(made))
        yield made


def state(site: Surroundings, session: str) -> str:
    (found,) = (row for row in site.rows() if row.id == session)
    return f"{found.state} {found.end_reason}".strip()


def epoch(site: Surroundings) -> int:
    return int(site.query("SELECT epoch FROM remote_service_lease")[0][0])


def renewals(site: Surroundings) -> int:
    return int(site.query("SELECT renewals FROM remote_service_lease")[0][0])


def ahead(site: Surroundings) -> float:
    """By how many seconds the clock that the site writes by is before the machine's."""
    written = datetime.fromisoformat(site.query("SELECT renewed_at FROM remote_service_lease")[0][0])
    return (written.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forward", "back"])
def test_a_clock_that_jumps_by_an_hour_ends_nothing(site: Surroundings, jump: int) -> None:
    """Neither sessions nor logins, nor the lease; limits that are shorter than the jump keep their whole time."""
    watched, left = site.launch("alice", "Echo"), site.launch("alice", "Echo")
    site.login("bob")
    reserved = site.reserve("Echo")
    with site.open_page("alice", left) as viewer:
        echoes(viewer)
        viewer.socket.shutdown(2)
    eventually(lambda: site.query("SELECT 1 FROM remote_service_viewer WHERE ending = 'cut'"))
    term = epoch(site)
    with site.open_page("alice", watched) as viewer:
        echoes(viewer)
        site.set_clock(jump)
        try:
            counter = renewals(site)
            eventually(lambda: renewals(site) >= counter + 3)

            assert abs(ahead(site) - jump) < HOUR / 2
            echoes(viewer)
            assert (state(site, watched), state(site, left)) == ("running", "running")
            assert epoch(site) == term
            assert is_ready(site)
            # Logins of before go on, and so does what was reserved; new ones of each are as ever.
            assert site.get("alice", f"/sessions/{watched}/").status == 200
            for token in (reserved, site.reserve("Echo")):  # by clients of the REST
                with site.open(token) as client:
                    echoes(client)
            with site.open_page("alice", left) as back:
                echoes(back)
            another = site.launch("bob", "Echo")
            with site.open_page("bob", another) as third:
                echoes(third)
        finally:
            site.set_clock(0)
        counter = renewals(site)
        eventually(lambda: renewals(site) >= counter + 3)
        echoes(viewer)
        assert {state(site, each) for each in (watched, left, another)} == {"running"}
    for name, session in (("alice", watched), ("alice", left), ("bob", another)):
        site.stop_session(name, session)
        eventually(lambda: state(site, session) == "ended user")  # noqa: B023 (asked within this round)


def test_an_endpoint_whose_name_is_not_found_loses_new_viewers_until_it_is(site: Surroundings) -> None:
    session = site.launch("alice", "Named")
    with site.open_page("alice", session) as viewer:
        echoes(viewer)
        site.know()
        try:
            with site.open_page("alice", session) as other, pytest.raises(ConnectionClosed) as end:
                other.recv(20)
            assert end.value.rcvd is not None
            assert end.value.rcvd.code == closing.ENDPOINT_LOST
            # Nobody knows that it has ended: it goes on, and so do those who are there.
            echoes(viewer)
            assert state(site, session) == "running"
            counter = renewals(site)
            eventually(lambda: renewals(site) >= counter + 4, within=10)
            assert state(site, session) == "running"
        finally:
            site.know(HOST)

        with site.open_page("alice", session) as other:
            echoes(other)
        echoes(viewer)
    site.stop_session("alice", session)


def test_a_vnc_server_that_dies_ends_its_session_and_no_other(site: Surroundings) -> None:
    other = site.launch("bob", "Echo")
    session = site.launch("alice", "Desktop")
    with site.open_page("bob", other) as bystander, site.open_page("alice", session) as viewer:
        assert viewer.recv(20) == b"RFB 003.008\n"
        echoes(bystander)
        server = next(process for process in marked(session) if process.name() in ("Xtigervnc", "Xvnc"))
        server.kill()

        with pytest.raises(ConnectionClosed) as end:
            while True:
                viewer.recv(20)
        assert end.value.rcvd is not None
        assert (end.value.rcvd.code, end.value.rcvd.reason[:18]) == (1000, "Its program ended.")
        eventually(lambda: state(site, session).startswith("ended"), within=10)
        eventually(lambda: not marked(session))
        echoes(bystander)
    # Its slot is free again at once.
    again = site.launch("alice", "Desktop")
    with site.open_page("alice", again) as viewer:
        assert viewer.recv(20) == b"RFB 003.008\n"
    site.stop_session("alice", again)


def test_a_script_host_that_is_killed_is_there_again_for_the_next_launch(site: Surroundings) -> None:
    session = site.launch("alice", "Echo")
    with site.open_page("alice", session) as viewer:
        echoes(viewer)
        (host,) = site.hosts("Echo")
        host.kill()
        eventually(lambda: not lives(host))

        echoes(viewer)
        other = site.launch("bob", "Echo")
        with site.open_page("bob", other) as second:
            echoes(second)
        assert [each.pid for each in site.hosts("Echo")] != [host.pid]
        assert state(site, session) == "running"
    site.stop_session("alice", session)
    eventually(lambda: state(site, session) == "ended user")


def test_a_runner_that_is_killed_has_a_successor_and_the_same_programs(site: Surroundings) -> None:
    session = site.launch("alice", "Echo")
    with site.open_page("alice", session) as viewer:
        echoes(viewer)
        runner = site.runner(session)
        programs = {process.pid for process in marked(session) if "raw_program" in command(process)}
        runner.kill()

        replaced = "SELECT 1 FROM remote_service_sessionevent WHERE what = 'runner replaced'"
        eventually(lambda: site.query(replaced), within=10)
        echoes(viewer)
        assert programs <= {process.pid for process in marked(session)}
        with site.open_page("alice", session) as other:
            echoes(other)
        assert state(site, session) == "running"
    site.stop_session("alice", session)
    eventually(lambda: state(site, session) == "ended user")
    eventually(lambda: not marked(session))
