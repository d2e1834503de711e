"""Several servers on one machine: each with its own state directory, never two on the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.server.marked_site import MarkedSite, marked_site
from tests.integration.serving import free_port
from tests.waiting import eventually

PATTERN = "Pattern"


@pytest.fixture
def neighbour(prepared_state: Path) -> Iterator[MarkedSite]:
    """Another site."""
    with marked_site(prepared_state) as made:
        yield made


def test_two_servers_run_side_by_side(site: MarkedSite, neighbour: MarkedSite) -> None:
    for one in (site, neighbour):
        one.write_sessions({PATTERN: one.entry("marked_pattern.py")})
        one.start()

    mine, _ = site.run_session(PATTERN)
    theirs, _ = neighbour.run_session(PATTERN)

    assert [row.id for row in site.rows()] == [site.row(mine).id]
    assert [row.id for row in neighbour.rows()] == [neighbour.row(theirs).id]
    site.kill()
    site.start()
    # What a killed server left is found again; what belongs to a neighbour is none of its business.
    eventually(lambda: f"session {site.row(mine).id}: found again" in site.output)
    assert neighbour.row(theirs).id not in site.output
    assert neighbour.row(theirs).state == "running"
    assert neighbour.calls("stop", neighbour.row(theirs).id) == 0


def test_a_second_server_on_the_same_state_directory_is_refused(site: MarkedSite) -> None:
    site.write_sessions({PATTERN: site.entry("marked_pattern.py")})
    site.start()
    reservation, _ = site.run_session(PATTERN)

    second = site.manage("serve", "--port", str(free_port()))

    assert second.returncode == 1
    assert second.stdout == ""
    assert second.stderr == (
        f"CommandError: a server (process {site.pid}) already runs with the state directory {site.state}; expected "
        "none. Stop it, or set REMOTE_SERVICE_STATE_DIR to another directory to run a second one\n"
    )
    assert site.row(reservation).state == "running"


def test_a_port_that_is_taken_ends_the_second_server_alone(site: MarkedSite, neighbour: MarkedSite) -> None:
    for one in (site, neighbour):
        one.write_sessions({PATTERN: one.entry("marked_pattern.py")})
    site.start()

    second = neighbour.manage("serve", "--port", str(site.port))

    assert second.returncode == 1
    assert second.stderr == (
        f"CommandError: 127.0.0.1 port {site.port} cannot be listened on: Address already in use; expected a free port "
        "at an address of this machine. Choose others by --host and --port (with make run: HOST and PORT)\n"
    )
    site.run_session(PATTERN)
    neighbour.start()
    neighbour.run_session(PATTERN)
