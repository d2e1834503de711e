"""Who is at the other end of real sockets: this process itself, which is a gateway or not as the test has it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from remote_service.relay import servers
from remote_service.relay.proof import Server
from remote_service.relay.servers import gateway_pids, tcp_servers, unix_server

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


@pytest.mark.parametrize(("content", "more"), [("4711\n", {4711}), ("", set()), (None, set())])
def test_the_gateway_is_this_process_and_who_supervises(tmp_path: Path, content: str | None, more: set[int]) -> None:
    if content is not None:
        (tmp_path / "server.pid").write_text(content)
    assert gateway_pids(tmp_path) == {os.getpid(), *more}
