"""Whose endpoint it is, with the real server: who else listens at a session's port hears nothing of its viewers."""

from __future__ import annotations

import asyncio
import hashlib
import os
import pwd
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from remote_service.hosting.processes import MARKER
from tests.integration.conftest import OwnServer
from tests.integration.live import LiveServer, Reservation
from tests.integration.streams import BANNER, Stream, closed, reserved
from tests.waiting import eventually, eventually_async

CHARLIE = 65534
"""The uid of an account that is nobody's."""
OTHER = "87654321-9abc-4def-8123-456789abcdef"
ROOT = os.geteuid() == 0

LISTEN = """
import socket
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    connection, _ = server.accept()
    connection.sendall(b"RFB 003.008\\n")
    try:
        heard = connection.recv(100)
    except ConnectionError:
        heard = b""
    print("heard", heard, flush=True)
"""

Listens = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def listens() -> Iterator[Listens]:
    """Starts somebody's program that listens at a port, which its first line says."""
    started: list[subprocess.Popen[str]] = []

    def start(**how: Any) -> subprocess.Popen[str]:
        command = [os.path.realpath(sys.executable), "-c", LISTEN]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd="/", **how))
        return started[-1]

    yield start
    for program in started:
        program.kill()
        program.communicate()


def says(program: subprocess.Popen[str]) -> str:
    assert program.stdout is not None
    return program.stdout.readline().strip()


def at(port: int) -> dict[str, Any]:
    """A type whose sessions are at a port, whoever listens there."""
    return {"Desk": {"script": "endpoint_elsewhere.py", "count": 1, "options": {"port": port}}}


async def close_of(server: LiveServer, reservation: Reservation) -> tuple[int, str]:
    async with server.viewer_of(reservation.token) as viewer:
        return await closed(viewer)


def events(server: LiveServer) -> list[tuple[Any, ...]]:
    return server.query("SELECT what, why FROM remote_service_sessionevent WHERE what = 'endpoint refused'")


@pytest.mark.parametrize(
    ("how", "why"),
    [
        pytest.param(
            {"user": CHARLIE, "group": CHARLIE, "extra_groups": []},
            f"is served by uid {CHARLIE}; expected uid {{uid}}, as which the session runs.",
            marks=pytest.mark.skipif(not ROOT, reason="only root starts programs as Charlie"),
            id="Charlie",
        ),
        pytest.param({"env": {MARKER: OTHER}}, "is served by another session.", id="another session"),
    ],
)
async def test_somebody_who_squats_the_port_hears_nothing(
    own_server: OwnServer, listens: Listens, how: dict[str, Any], why: str
) -> None:
    if ROOT and "env" in how:
        how = {**how, "user": "remote-session"}
    squatter = listens(**how)
    port = int(says(squatter))
    server = own_server(at(port))
    reservation = server.reserve("Desk")

    code, reason = await close_of(server, reservation)

    refusal = f"tcp:127.0.0.1:{port} {why.format(uid=uid_of_sessions())}"
    told = f"Its endpoint was refused. {refusal}"
    assert (code, reason) == (4011, told[: len(reason)])
    assert len(reason) >= min(len(told), 120)
    row = await asyncio.to_thread(ended, server, reservation)
    assert row == ("failed", "endpoint_refused", refusal)
    assert events(server) == [("endpoint refused", refusal)]
    assert says(squatter) == "heard b''"


def uid_of_sessions() -> int:
    return pwd.getpwnam("remote-session").pw_uid if ROOT else os.geteuid()


def ended(server: LiveServer, reservation: Reservation) -> tuple[str, str, str]:
    eventually(lambda: server.row(reservation).state == "failed", within=15)
    row = server.row(reservation)
    return row.state, row.end_reason, row.end_detail


async def test_the_gateways_own_port_is_refused(own_server: OwnServer) -> None:
    server = own_server(at(1))
    server.write_sessions(at(server.port))
    await asyncio.to_thread(server.manage, "reload_sessions")

    code, reason = await close_of(server, server.reserve("Desk"))

    assert (code, reason) == (4011, f"Its endpoint was refused. tcp:127.0.0.1:{server.port} is the gateway's own.")


@pytest.mark.parametrize("how", ["with its environment", "without environment"])
async def test_a_daemon_that_a_session_has_left_behind_is_its_own(own_server: OwnServer, how: str) -> None:
    server = own_server({"Desk": {"script": "endpoint_elsewhere.py", "count": 1, "options": {"daemon": how}}})

    async with server.viewer_of(server.reserve("Desk").token) as viewer:
        assert await viewer.recv() == BANNER


async def test_a_vnc_server_on_a_port_that_asks_for_no_password_is_noticed(live: LiveServer) -> None:
    asked = "SELECT unprotected FROM remote_service_session WHERE token_hash = ?"

    async def unprotected(type_name: str, expected: int) -> None:
        async with reserved(live, type_name) as token, live.viewer_of(token) as viewer:
            await Stream(viewer).log_in()
            hashed = hashlib.sha256(token.encode()).hexdigest()
            await eventually_async(lambda: live.query(asked, hashed) == [(expected,)])

    await unprotected("Stub 3.8", 1)
    await unprotected("Stub 3.7", 0)  # it has a password
    await unprotected("Pattern", 0)  # at a Unix socket


async def test_a_site_may_keep_its_sessions_from_this_machine(own_server: OwnServer) -> None:
    sessions = {"Desk": {"script": "endpoint_elsewhere.py", "count": 1, "options": {"daemon": "with its environment"}}}
    server = own_server(sessions, REMOTE_SERVICE_ENDPOINT_NETWORKS="types, 10.0.1.0/24")

    code, reason = await close_of(server, server.reserve("Desk"))

    assert code == 4011
    assert reason.startswith("Its endpoint was refused. tcp:localhost:")
    assert "is not in REMOTE_SERVICE_ENDPOINT_NETWORKS" in reason
