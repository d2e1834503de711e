"""One socket looked up in the kernel: real ones of this process, which the kernel's table lists as well."""

from __future__ import annotations

import errno
import os
import socket
import struct
from pathlib import Path

import pytest

from remote_service.hosting import sock_diag
from remote_service.hosting.sock_diag import look_up
from remote_service.hosting.tcp_table import TcpSocket, tcp_sockets


def table(port: int) -> list[TcpSocket]:
    """What `/proc/net` has at a port, listening sockets first."""
    lines = {ipv6: Path(f"/proc/net/tcp{'6' * ipv6}").read_text().splitlines() for ipv6 in (False, True)}
    return [found for ipv6, text in lines.items() for found in tcp_sockets(text, ipv6=ipv6, port=port)]


def ends(ours: socket.socket) -> tuple[tuple[str, int], tuple[str, int]]:
    return ours.getpeername()[:2], ours.getsockname()[:2]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("accepted", [False, True], ids=["waiting", "accepted"])
def test_a_listener_and_its_connection_are_found_as_the_table_has_them(address: str, accepted: bool) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as server, socket.socket(family) as ours:
        ours.connect(server.getsockname()[:2])
        other = server.accept()[0] if accepted else None
        found = list(look_up(*ends(ours)))
        listening, connection = found
        assert found == table(server.getsockname()[1])
        assert (listening.listens, listening.inode) == (True, os.fstat(server.fileno()).st_ino)
        assert connection.inode == (os.fstat(other.fileno()).st_ino if other else 0)
        if other:
            other.close()


def test_a_listener_for_both_families_is_found() -> None:
    server = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    with server, socket.create_connection(("127.0.0.1", server.getsockname()[1])) as ours:
        listening, connection = look_up(*ends(ours))
        assert listening.local[0] in ("::", "127.0.0.1", "0.0.0.0")
        assert (connection.local, connection.remote) == ends(ours)


def test_a_connection_without_a_listener_is_found_alone() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    with server, socket.create_connection(server.getsockname()) as ours, server.accept()[0]:
        server.close()
        assert [found.listens for found in look_up(*ends(ours))] == [False]


def test_what_is_not_there_is_an_error() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(FileNotFoundError):
            list(look_up(bound.getsockname(), ("127.0.0.1", 9)))


def test_what_the_kernel_refuses_is_raised() -> None:
    refused = struct.pack("=IHHIIi", 20, 2, 0, 0, 0, -errno.EPERM)
    with pytest.raises(PermissionError):
        sock_diag._answered(refused)
