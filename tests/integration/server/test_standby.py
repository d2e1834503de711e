"""`supervise` twice, beside pages under an ASGI server of the site's own: one decides, the other one stands by."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.leftovers import marked
from tests.integration.pages import fetch, opener
from tests.integration.server.marked_site import MarkedSite, marked_site
from tests.integration.serving import PROJECT, READY_WITHIN
from tests.waiting import eventually

PATTERN = "Pattern"
LEASE = 2.0


class Supervisor:
    """A process of `manage.py supervise`."""

    def __init__(self, site: MarkedSite, name: str) -> None:
        self.site = site
        self.output_file = site.root / f"{name}.out"
        with self.output_file.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "supervise"],
                cwd=PROJECT, env=site.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip

    def says(self, words: str, within: float = READY_WITHIN) -> None:
        """Waits until it does."""
        eventually(lambda: words in self.output_file.read_text(), within)

    def send(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        os.kill(self.process.pid, number)


class PagesSite(MarkedSite):
    """A site whose pages are served by uvicorn; supervisors are started beside it."""

    def __init__(self, template: Path) -> None:
        super().__init__(template)
        self.environment["REMOTE_SERVICE_LEASE_TIME"] = str(LEASE)
        self.supervisors: list[Supervisor] = []

    def begin(self, *arguments: str) -> None:
        """Starts uvicorn."""
        with self.output_file.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "uvicorn", "sessions_config.asgi:application", "--port", str(self.port),
                 "--lifespan", "off", *arguments],
                cwd=PROJECT, env=self.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip

    def supervise(self, name: str) -> Supervisor:
        """Starts one more supervisor."""
        self.supervisors.append(Supervisor(self, name))
        return self.supervisors[-1]

    @property
    def epoch(self) -> int:
        """Of the lease."""
        ((found,),) = self.query("SELECT epoch FROM remote_service_lease")
        return int(found)

    def clean_up(self) -> list[str]:
        """Ends the supervisors first, and the sessions with them."""
        for number in (signal.SIGCONT, signal.SIGINT):
            for supervisor in self.supervisors:
                if supervisor.process.poll() is None:
                    supervisor.send(number)
        for supervisor in self.supervisors:
            supervisor.process.wait(10)
        return super().clean_up()


@pytest.fixture
def site(prepared_state: Path) -> Iterator[PagesSite]:
    """One with pages and two supervisors, the first of which supervises, and a session that runs."""
    site = PagesSite(prepared_state)
    site.write_sessions({PATTERN: site.entry("marked_pattern.py", 3)})
    try:
        site.supervise("first").says("supervising, epoch 1")
        site.supervise("second").says("another supervisor is at work")
        site.start()
        site.run_session(PATTERN)
        yield site
    finally:
        site.clean_up()


def assert_it_works(site: PagesSite) -> None:
    """The session of before has the same processes, and another one can be started and stopped."""
    ours = site.ids()[0]
    assert site.row(site.reservations[0]).state == "running"
    assert site.calls("start", ours) == 1
    site.run_session(PATTERN)
    site.release_all()
    assert [(row.state, row.end_reason) for row in site.rows()] == [("ended", "released")] * 2
    assert [site.calls("stop", session) for session in site.ids()] == [1, 1]


def test_when_the_first_is_killed_the_second_has_it_at_once(site: PagesSite) -> None:
    first, second = site.supervisors
    before = {process.pid for process in marked(site.ids()[0])}
    began = time.monotonic()
    first.process.kill()
    first.process.wait()

    second.says("supervising, epoch 2", 2 * LEASE)

    # That its process has ended can be seen, so nobody waits for the lease to run out.
    assert time.monotonic() - began < 2 * LEASE
    second.says("found again")
    assert {process.pid for process in marked(site.ids()[0])} == before
    assert_it_works(site)


def test_when_the_first_is_asked_to_end_the_second_has_it_at_once(site: PagesSite) -> None:
    first, second = site.supervisors
    first.send(signal.SIGTERM)
    assert first.process.wait(5) == 0

    second.says("supervising, epoch 2", LEASE)

    second.says("found again")
    assert_it_works(site)


def test_one_that_was_paused_through_a_takeover_changes_nothing_and_stands_by(site: PagesSite) -> None:
    first, second = site.supervisors
    (ours,) = site.ids()
    before = {process.pid for process in marked(ours)}
    began = time.monotonic()
    first.send(signal.SIGSTOP)
    second.says("supervising, epoch 2", 2 * LEASE + 1)
    assert time.monotonic() - began < 2 * LEASE + 0.5
    second.says("found again")
    # What is asked meanwhile is done by the second; the first still has it before it, as it was.
    site.run_session(PATTERN)
    events = "SELECT count(*) FROM remote_service_sessionevent"
    told = site.query(events)

    first.send(signal.SIGCONT)

    first.says("another supervisor has taken over; standing by")
    eventually(lambda: first.output_file.read_text().count("another supervisor is at work") == 1)
    assert site.query(events) == told
    assert site.epoch == 2
    assert {process.pid for process in marked(ours)} == before
    assert "is refused" not in site.session_log(ours)
    # It is as good a successor as any.
    second.process.kill()
    first.says("supervising, epoch 3", 2 * LEASE + 1)
    first.says("found again")
    assert [row.state for row in site.rows()] == ["running", "running"]
    assert [site.calls("start", session) for session in site.ids()] == [1, 1]


def test_ctrl_c_of_the_one_that_stands_by_ends_no_session(site: PagesSite) -> None:
    second = site.supervisors[1]
    second.send(signal.SIGINT)

    assert second.process.wait(5) == 0
    assert site.row(site.reservations[0]).state == "running"
    assert site.epoch == 1


def test_beside_a_server_that_is_killed_it_takes_over_and_the_next_server_leaves_it_that(prepared_state: Path) -> None:
    with marked_site(prepared_state) as server:
        server.write_sessions({PATTERN: server.entry("marked_pattern.py", 3)})
        server.start()
        beside = Supervisor(server, "beside")
        try:
            beside.says("another supervisor is at work")
            reservation, _ = server.run_session(PATTERN)
            session = server.row(reservation).id
            before = {process.pid for process in marked(session)}

            server.kill()
            beside.says("supervising, epoch 2")
            beside.says("found again")
            server.start()

            assert "another supervisor is at work" in server.output
            with server.open(reservation) as viewer:
                assert viewer.recv(20) == b"RFB 003.008\n"
            another, _ = server.run_session(PATTERN)
            assert server.row(another).state == "running"
            assert {process.pid for process in marked(session)} == before
            assert fetch(opener(), f"{server.url}/readyz").status == 200
            server.release_all()
        finally:
            beside.send(signal.SIGINT)
            assert beside.process.wait(10) == 0


def test_a_site_without_any_supervisor_is_not_ready(site: PagesSite) -> None:
    assert fetch(opener(), f"{site.url}/readyz").status == 200
    for supervisor in site.supervisors:
        supervisor.send(signal.SIGTERM)
        supervisor.process.wait(5)

    eventually(lambda: fetch(opener(), f"{site.url}/readyz").status == 503)
    # What runs can be looked at all the same.
    with site.open(site.reservations[0]) as viewer:
        assert viewer.recv(20) == b"RFB 003.008\n"
