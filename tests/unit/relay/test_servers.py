"""Who is at the other end of real sockets: this process itself, which is a gateway or not as the test has it."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from remote_service.hosting.holders import Belonging
from remote_service.hosting.processes import Process
from remote_service.relay import servers
from remote_service.relay.proof import Server
from remote_service.relay.servers import (
    gateway_pids,
    known_tcp_server,
    known_unix_server,
    tcp_servers,
    unix_server,
)
from tests.waiting import eventually

NO_GATEWAY: frozenset[int] = frozenset()
US = frozenset({os.getpid()})


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("accepted", [False, True], ids=["waiting", "accepted"])
def test_the_server_of_a_tcp_connection_is_found(address: str, accepted: bool) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as server, socket.socket(family) as ours:
        ours.connect(server.getsockname()[:2])
        other = server.accept()[0] if accepted else None
        assert tcp_servers(ours, os.geteuid(), NO_GATEWAY) == [Server(os.geteuid())]
        assert tcp_servers(ours, os.geteuid(), US) == [Server(os.geteuid(), gateway=True)]
        if other:
            other.close()


def test_a_kernel_that_tells_of_no_single_socket_is_asked_for_its_table(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(servers, "look_up", refuse)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as ours:
        assert tcp_servers(ours, os.geteuid(), NO_GATEWAY) == [Server(os.geteuid())]


def test_where_holders_were_is_not_remembered_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "_MOST_REMEMBERED", 2)
    monkeypatch.setattr(servers, "_holders", {})
    for _ in range(4):
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as ours:
            assert tcp_servers(ours, os.geteuid(), NO_GATEWAY) == [Server(os.geteuid())]
    assert len(servers._holders) == 2


def test_a_server_for_both_families_is_found() -> None:
    server = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    with server, socket.create_connection(("127.0.0.1", server.getsockname()[1])) as ours:
        assert tcp_servers(ours, os.geteuid(), NO_GATEWAY) == [Server(os.geteuid())]


def test_who_has_hung_up_is_known_by_who_still_listens() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    with server, socket.create_connection(server.getsockname()) as ours:
        server.accept()[0].close()
        assert tcp_servers(ours, os.geteuid(), NO_GATEWAY) == [Server(os.geteuid())]
        server.close()
        assert tcp_servers(ours, os.geteuid(), NO_GATEWAY) == []


def test_the_server_of_a_unix_socket_is_found(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as ours:
        server.bind(str(tmp_path / "vnc.sock"))
        server.listen()
        ours.connect(str(tmp_path / "vnc.sock"))
        assert unix_server(ours, os.geteuid(), NO_GATEWAY) == Server(os.geteuid())
        assert unix_server(ours, os.geteuid(), US) == Server(os.geteuid(), gateway=True)


# ---- what is known of a process -------------------------------------------------------------------------------

SESSION = "12345678-9abc-4def-8123-456789abcdef"


@pytest.fixture
def ours_is_a_session(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """This process was started by a session; the pids of which that was asked are kept."""
    asked: list[int] = []

    def belonging_of(pid: int, _account: int, _gateway: object) -> Belonging:
        asked.append(pid)
        return Belonging(SESSION)

    monkeypatch.setattr(servers, "belonging_of", belonging_of)
    for remembered in ("_holders", "_sessions", "_descriptors"):
        monkeypatch.setattr(servers, remembered, {})
    return asked


@contextmanager
def connections(server: socket.socket, *, accepted: bool) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two viewers, one after the other."""
    with (
        socket.create_connection(server.getsockname()) as first,
        socket.create_connection(server.getsockname()) as second,
    ):
        taken = [server.accept()[0] for _ in range(2)] if accepted else []
        yield first, second
        for each in taken:
            each.close()


@pytest.mark.parametrize("accepted", [False, True], ids=["waiting", "accepted"])
def test_of_a_process_that_a_session_started_it_is_asked_once(ours_is_a_session: list[int], accepted: bool) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        connections(server, accepted=accepted) as (first, second),
    ):
        assert known_tcp_server(first) is None
        proved = tcp_servers(first, 0, NO_GATEWAY)
        assert proved == [Server(os.geteuid(), SESSION)]
        for _ in range(2):
            assert known_tcp_server(second) == proved[0]
    assert ours_is_a_session == [os.getpid()]


def test_of_a_unix_socket_too(ours_is_a_session: list[int], tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as ours:
        server.bind(str(tmp_path / "vnc.sock"))
        server.listen()
        ours.connect(str(tmp_path / "vnc.sock"))
        assert known_unix_server(ours) is None
        assert unix_server(ours, 0, NO_GATEWAY) == known_unix_server(ours) == Server(os.geteuid(), SESSION)
    assert ours_is_a_session == [os.getpid()]


def test_another_process_with_the_same_number_is_not_known(
    ours_is_a_session: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as ours:
        tcp_servers(ours, 0, NO_GATEWAY)
        assert known_tcp_server(ours)
        monkeypatch.setattr(servers, "look", lambda pid: Process(pid, 1, "S", 4711))
        assert known_tcp_server(ours) is None
        monkeypatch.setattr(servers, "look", lambda _pid: None)
        assert known_tcp_server(ours) is None


def test_one_that_was_replaced_while_it_was_asked_is_not_remembered(
    ours_is_a_session: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    started = iter((1, 2))
    monkeypatch.setattr(servers, "look", lambda pid: Process(pid, 1, "S", next(started)))
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as ours:
        tcp_servers(ours, 0, NO_GATEWAY)
    assert servers._sessions == {}


def test_a_process_that_no_session_started_is_asked_of_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "_sessions", {})
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as ours:
        tcp_servers(ours, os.geteuid(), NO_GATEWAY)
        tcp_servers(ours, os.geteuid(), US)
        assert known_tcp_server(ours) is None
    assert servers._sessions == {}


def test_a_connection_that_another_process_took_over_is_not_known(ours_is_a_session: list[int]) -> None:
    # A listening socket that was passed on: who accepts is not who was proved.
    with socket.create_server(("127.0.0.1", 0)) as server, connections(server, accepted=False) as (first, second):
        tcp_servers(first, 0, NO_GATEWAY)
        child = os.fork()
        if child == 0:
            taken = [server.accept()[0] for _ in range(2)]
            signal.pause()
            os._exit(len(taken))
        try:
            eventually(lambda: known_tcp_server(second) is None)
            tcp_servers(second, 0, NO_GATEWAY)
            assert ours_is_a_session == [os.getpid(), child]
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def test_among_too_many_open_files_it_is_not_looked_for(
    ours_is_a_session: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "_MOST_DESCRIPTORS", 2)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as ours:
        tcp_servers(ours, 0, NO_GATEWAY)
        assert known_tcp_server(ours) is None


def test_where_the_kernel_tells_of_no_single_socket_nobody_is_known(
    ours_is_a_session: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as ours:
        tcp_servers(ours, 0, NO_GATEWAY)
        monkeypatch.setattr(servers, "look_up", refuse)
        assert known_tcp_server(ours) is None


@pytest.mark.parametrize(("content", "more"), [("4711\n", {4711}), ("", set()), (None, set())])
def test_the_gateway_is_this_process_and_who_supervises(tmp_path: Path, content: str | None, more: set[int]) -> None:
    if content is not None:
        (tmp_path / "server.pid").write_text(content)
    assert gateway_pids(tmp_path) == {os.getpid(), *more}
