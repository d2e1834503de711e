"""Two gateways on two machines with one PostgreSQL and one Redis, the first of which goes and comes back.

The second one is a name space of processes, mounts and names in which this machine has another id and another name.
Where that is forbidden, as in some containers, it is told both in its own process instead.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest
from websockets.exceptions import ConnectionClosed

from tests.integration.conftest import raw
from tests.integration.faults.services import Postgres, RedisServer
from tests.integration.faults.site import ServicesSite, echoes, started
from tests.integration.leftovers import marked
from tests.integration.serving import PROJECT, Ended
from tests.waiting import eventually

LEASE = 2.0
FAR = "far"
MACHINE_ID = "00112233445566778899aabbccddeeff\n"
APART = ["unshare", "--uts", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
ENTER = f'hostname {FAR} && mount --bind "$0" /etc/machine-id && exec "$@"'
PLAYED = """
import pathlib, platform, runpy, sys
from remote_service.hosting import machine
machine.MACHINE_ID, platform.node = pathlib.Path(sys.argv[1]), lambda: "far"
sys.argv = sys.argv[2:]
runpy.run_path("manage.py", run_name="__main__")
"""
ECHO = {"script": "program_session.py", "count": 4, "stream": "raw", "on_last_disconnect": "keep"}
SESSIONS = {"Socket": {**ECHO, "options": raw("echo")}, "Port": {**ECHO, "options": {**raw("echo"), "tcp": True}}}


def may_be_apart() -> bool:
    """Whether there can be another machine here that is more than told."""
    done = subprocess.run([*APART, "sh", "-c", ENTER, "/etc/machine-id", "true"], check=False, capture_output=True)
    return done.returncode == 0


class FarSite(ServicesSite):
    """The same site's gateway on another machine: its database and its secret key, but a directory of its own."""

    def __init__(self, near: ServicesSite, postgres: Postgres, template: Path, **variables: str) -> None:
        super().__init__(postgres, template, **variables)
        self.database = near.database
        self.environment["DATABASE_URL"] = near.environment["DATABASE_URL"]

    def begin(self, *arguments: str) -> None:
        """Starts the server on its machine."""
        known = self.root / "machine-id"
        known.write_text(MACHINE_ID)
        serve = ["manage.py", "serve", "--port", str(self.port), *arguments]
        if may_be_apart():
            command = [*APART, "sh", "-c", ENTER, str(known), sys.executable, *serve]
        else:
            print("no name spaces may be made here; the other machine is told in its process")
            command = [sys.executable, "-c", PLAYED, str(known), *serve]
        with self.output_file.open("ab") as output:
            self._process = subprocess.Popen(
                command, cwd=PROJECT, env=self.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip

    @property
    def server(self) -> int:
        """The server's process, as it is seen from outside."""
        inside = psutil.Process(self.pid).children()
        return inside[0].pid if psutil.Process(self.pid).name() == "unshare" else self.pid

    def stop(self, number: signal.Signals = signal.SIGINT) -> Ended:
        """The same for the server itself, since `unshare` passes no signal on."""
        began = time.monotonic()
        os.kill(self.server, number)
        return self.wait_for_end(began)

    def burn(self, session: str) -> None:
        """The machine ends, and all that ran on it."""
        ran = self.processes()
        for process in (*ran, *marked(session)):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.wait_for_end(time.monotonic())
        eventually(lambda: not marked(session))

    def clean_up(self) -> list[str]:
        """Likewise."""
        if self.runs:
            os.kill(self.server, signal.SIGINT)
        return super().clean_up()


@pytest.fixture
def sites(
    postgres: Postgres, postgres_template: Path, redis: RedisServer
) -> Iterator[tuple[ServicesSite, ServicesSite]]:
    """The near one, which supervises, and the far one, which stands by."""
    variables = {"CHANNEL_LAYER_URL": redis.url, "REMOTE_SERVICE_LEASE_TIME": str(LEASE)}
    near = ServicesSite(postgres, postgres_template, **variables)
    far = FarSite(near, postgres, postgres_template, **variables)
    for site in (near, far):
        site.write_sessions(SESSIONS)
    with ExitStack() as stack:
        stack.enter_context(started(near))
        stack.enter_context(started(far))
        yield near, far


def refusal(site: ServicesSite, session: str) -> tuple[int, str]:
    """What a viewer is told there, and that it is sent nothing before."""
    with pytest.raises(ConnectionClosed) as caught:
        site.open_page("alice", session).recv(20)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason


def test_a_machine_that_goes_and_comes_back_has_its_sessions(sites: tuple[ServicesSite, FarSite]) -> None:
    near, far = sites
    name = os.uname().nodename
    assert f"another supervisor is at work ({name}:{near.state}/run, epoch 1); standing by" in far.output
    socket, port = near.launch("alice", "Socket"), near.launch("alice", "Port")
    viewers = [near.open_page("alice", session) for session in (socket, port)]
    for viewer in viewers:
        echoes(viewer)

    # Both show all of them; what an address of one means on the other is not looked at.
    elsewhere = (4011, f"It runs on {name}; open it through the gateway there.")
    for session in (socket, port):
        assert [site.get("alice", f"/sessions/{session}/").status for site in sites] == [200, 200]
        assert refusal(far, session) == elsewhere
    for viewer in viewers:
        echoes(viewer)

    # The first machine is gone: the second has the lease after its time, and knows nothing of the sessions.
    near.kill()
    eventually(lambda: "supervising, epoch 2" in far.output, within=4 * LEASE)
    eventually(lambda: far.query(UNKNOWN) == [("running", f"at {name}:{near.state}/run")] * 2)
    here = far.launch("alice", "Port")
    echoes(far.open_page("alice", here))
    far.stop_session("alice", port)

    # It is back, and stands by: its own viewers reach their sessions, of which nobody can say whether they live.
    near.start()
    assert f"another supervisor is at work ({FAR}:{far.state}/run, epoch 2); standing by" in near.output
    echoes(near.open_page("alice", socket))
    assert refusal(near, here) == (4011, f"It runs on {FAR}; open it through the gateway there.")
    assert {(row.id, row.state) for row in near.rows()} == {(each, "running") for each in (socket, port, here)}

    # Once it supervises its sessions are found again, and what was asked of them is done.
    assert far.leave().status == 0
    eventually(lambda: "supervising, epoch 3" in near.output)
    eventually(lambda: near.output.count("found again") == 2)
    eventually(lambda: [row.state for row in near.rows() if row.id == port] == ["ended"])
    assert near.query(UNKNOWN) == [("running", f"at {FAR}:{far.state}/run")]
    echoes(near.open_page("alice", socket))

    # Its end ends its own sessions, and no other.
    assert near.stop().status == 0
    assert {row.id: row.state for row in near.rows()} == {socket: "ended", port: "ended", here: "running"}


def test_sessions_that_ended_with_their_machine_are_over_once_that_supervises_again(
    sites: tuple[ServicesSite, FarSite],
) -> None:
    near, far = sites
    near.leave()
    eventually(lambda: "supervising, epoch 2" in far.output)
    session = far.launch("alice", "Socket")
    with far.open_page("alice", session) as viewer:
        echoes(viewer)
    near.start()

    far.burn(session)
    eventually(lambda: "supervising, epoch 3" in near.output, within=4 * LEASE)
    unknown = [("running", f"at {FAR}:{far.state}/run")]
    eventually(lambda: near.query(UNKNOWN) == unknown)
    far.start()
    assert near.query(UNKNOWN) == unknown

    near.leave()
    eventually(lambda: [row.state for row in far.rows()] == ["ended"], within=4 * LEASE)
    assert far.rows()[0].end_reason == "program_ended"


UNKNOWN = (
    "SELECT state, substring(unknown_reason from ' is (at [^,]*)') FROM remote_service_session "
    "WHERE unknown_since IS NOT NULL AND state NOT IN ('ended', 'failed') ORDER BY created_at"
)
