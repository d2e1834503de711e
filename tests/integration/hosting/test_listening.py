"""Who listens where, on real sockets."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from remote_service.endpoints import Endpoint
from remote_service.hosting import listening
from remote_service.hosting.listening import listens, listens_locally
from remote_service.script import RemoteServiceScript


@pytest.mark.parametrize(
    ("bound", "named"), [("127.0.0.1", "localhost"), ("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "localhost")]
)
def test_a_listener_is_seen_without_being_connected_to(bound: str, named: str) -> None:
    with socket.create_server((bound, 0)) as server:
        port = server.getsockname()[1]
        assert listens_locally(Endpoint.tcp(named, port)) is True
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert listens_locally(Endpoint.tcp(named, port)) is False


def test_a_socket_that_is_bound_and_does_not_listen_is_not_ready(tmp_path: Path) -> None:
    with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as unix:
        tcp.bind(("127.0.0.1", 0))
        assert listens_locally(Endpoint.tcp("127.0.0.1", tcp.getsockname()[1])) is False
        path = tmp_path / "s"
        unix.bind(str(path))
        assert listens_locally(Endpoint.unix(path)) is False
        unix.listen()
        assert listens_locally(Endpoint.unix(path)) is True


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this kernel has no IPv6")
def test_listeners_of_ipv6_are_seen_for_ipv4_too() -> None:
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        assert listens_locally(Endpoint.tcp("127.0.0.1", server.getsockname()[1])) is True


def test_a_kernel_without_ipv6_has_no_such_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        real = Path("/proc/net/tcp").read_text()
        (tmp_path / "tcp").write_text(real)
        monkeypatch.setattr(listening, "PROC_NET", tmp_path)
        assert listens_locally(Endpoint.tcp("127.0.0.1", server.getsockname()[1])) is True


def test_another_machine_s_endpoint_is_connected_to_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Played here: nothing counts as local."""
    monkeypatch.setattr(listening, "is_local", lambda address: False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = Endpoint.tcp("127.0.0.1", server.getsockname()[1])
        assert listens_locally(endpoint) is None
        assert listens(endpoint) is True
        server.accept()[0].close()
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert listens(endpoint) is False


def test_a_free_port_can_be_listened_on() -> None:
    with socket.create_server(("127.0.0.1", RemoteServiceScript().free_port())):
        pass
