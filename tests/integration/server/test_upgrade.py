"""From the release before: its database is brought up to date, and a session goes on in the runner of that release.

That runner is a stand-in here which speaks as those do: no order has an epoch for it, and it does not tell its own
process nor the programs of its session.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from remote_service.hosting.wire import Channel, Message, short_path
from tests.integration.leftovers import command, marked
from tests.integration.server.marked_site import MarkedSite
from tests.integration.serving import free_port
from tests.waiting import eventually

BEFORE = "0008_holders"
"""The last migration of that release."""
NEXUS, PATTERN = "Nexus", "Pattern"


class OlderRunner:
    """Listens where a session's runner does, and tells each supervisor how things are."""

    def __init__(self, run_dir: Path, session: str, endpoint: dict[str, Any]) -> None:
        self.orders: list[Message] = []
        self._session = session
        self._status: dict[str, Any] = {
            "session": session, "phase": "ready", "fault": None, "detail": "", "endpoint": endpoint, "password": None,
            "poll": ["alive", ""], "progress": "half done", "stop": "not_called", "survivors": [], "state": None,
            "log_trouble": "",
        }  # fmt: skip
        path = run_dir / f"{session.replace('-', '')}.sock"
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with short_path(path) as name:
            self._listener.bind(name)
        self._listener.listen()
        Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Hears nobody any more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                channel = Channel(self._listener.accept()[0])
                channel.send({"status": self._status})
                while (message := channel.receive()) is not None:
                    self.orders.append(message)
                    if message["order"] == "stop":
                        for process in marked(self._session):
                            process.kill()
                        self._status |= {"phase": "over", "stop": "done"}
                        channel.send({"status": self._status})
                channel.close()


@pytest.fixture
def upgraded(site: MarkedSite) -> Iterator[tuple[MarkedSite, OlderRunner]]:
    """A site that was killed and has come from the release before, with a session that runs and a reservation."""
    port = free_port()
    site.write_sessions(
        {
            NEXUS: site.entry("nexus_style.py", options={"port": port}),
            PATTERN: site.entry("marked_pattern.py"),
        }
    )
    # It asks for three times as long whether a server of that release, too, is at work.
    site.environment["REMOTE_SERVICE_LEASE_TIME"] = "1"
    site.start()
    reservation, _ = site.run_session(NEXUS)
    site.reserve(PATTERN)
    session = site.row(reservation).id
    site.kill()
    for process in marked(session):
        if "remote_service.hosting" in command(process):
            process.kill()
    done = site.manage("migrate", "remote_service", BEFORE)
    assert done.returncode == 0, done.stderr
    runner = OlderRunner(site.state / "run", session, {"kind": "tcp", "host": "127.0.0.1", "port": port})
    done = site.manage("prepare")
    assert done.returncode == 0, done.stderr
    site.start()
    yield site, runner
    runner.close()


def test_what_ran_goes_on_and_what_was_reserved_can_be_used(upgraded: tuple[MarkedSite, OlderRunner]) -> None:
    site, runner = upgraded
    session = site.row(site.reservation(NEXUS)).id
    programs = marked(session)
    assert programs

    eventually(lambda: f"session {session}: found again" in site.output, within=20)
    eventually(
        lambda: site.query("SELECT progress FROM remote_service_session WHERE progress <> ''") == [("half done",)]
    )
    for name in (NEXUS, PATTERN):
        with site.open(site.reservation(name)) as viewer:
            assert viewer.recv(20) == b"RFB 003.008\n"
    assert marked(session) == programs
    assert site.row(site.reservation(NEXUS)).state == "running"

    site.release_all()

    assert [order["order"] for order in runner.orders] == ["adopt", "stop", "dismiss"]
    assert [(row.state, row.end_reason) for row in site.rows()] == [("ended", "released")] * 2
    eventually(lambda: marked(session) == [])


def test_it_may_be_started_anew_before_that_runner_has_ended(upgraded: tuple[MarkedSite, OlderRunner]) -> None:
    site, runner = upgraded
    eventually(lambda: "found again" in site.output, within=20)
    site.leave()
    site.start()

    eventually(lambda: site.output.count("found again") == 2, within=20)
    assert site.row(site.reservation(NEXUS)).state == "running"
    assert [order["order"] for order in runner.orders] == ["adopt", "adopt"]
