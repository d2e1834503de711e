"""A log that cannot be written: the server's, whose device is full, and a session's, whose file may not grow."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.integration.faults.services import ACCOUNT
from tests.integration.faults.site import echoes, is_ready, started
from tests.integration.faults.surroundings import Surroundings
from tests.integration.leftovers import command, marked
from tests.waiting import eventually

FULL = Path("/dev/full")
"""Whoever writes there is told that the disk is full (full(4))."""
MOST = 300
"""Bytes that the session's log may have for a while."""


@pytest.fixture
def site(site_template: Path) -> Iterator[Surroundings]:
    made = Surroundings(site_template)
    with started(made, "--log-file", str(FULL)):
        yield made


def let_files_grow(processes: list[psutil.Process], most: str) -> None:
    """To so many bytes; a write beyond them fails, with the error "File too large"."""
    for process in processes:
        # As their own account: a root without all its capabilities may not.
        subprocess.run(["prlimit", f"--pid={process.pid}", f"--fsize={most}:"], user=ACCOUNT, group=ACCOUNT, check=True)


def test_a_site_whose_logs_cannot_be_written_serves_its_sessions(site: Surroundings) -> None:
    eventually(lambda: is_ready(site))
    (host,) = site.hosts("Chatty")
    let_files_grow([host], str(MOST))
    session = site.launch("alice", "Chatty")
    log = site.state / "logs" / "sessions" / f"{session}.log"
    with site.open_page("alice", session) as viewer:
        # The program prints what it gets, and that fills the log.
        for number in range(30):
            echoes(viewer, b"line %d of those that fill the log\n" % number)
        eventually(lambda: log.stat().st_size == MOST or "bytes were lost" in log.read_text())
        assert log.stat().st_size <= MOST
        assert site.get("alice", f"/sessions/{session}/").status == 200
        assert [row.state for row in site.rows()] == ["running"]

        let_files_grow([p for p in marked(session) if "script_host" in command(p)], "unlimited")
        echoes(viewer, b"there is room again\n")

        eventually(lambda: "there is room again" in log.read_text())
        assert "bytes were lost here: File too large --" in log.read_text()
    site.stop_session("alice", session)
    eventually(lambda: [row.end_reason for row in site.rows()] == ["user"])
    # What a device takes is no condition for an orderly end, either.
    assert site.stop().seconds < 5
