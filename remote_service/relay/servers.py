"""Who is at the other end of a connected socket on this machine, as the kernel tells it."""

from __future__ import annotations

import itertools
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from remote_service.hosting.holders import NOBODY, belonging_of, holder_of
from remote_service.hosting.listening import PROC_NET
from remote_service.hosting.tcp_table import Place, TcpSocket, plain, tcp_sockets
from remote_service.pid_file import NAME
from remote_service.relay.proof import Server, serving

_UCRED = struct.Struct("3i")
"""pid, uid and gid (unix(7), SO_PEERCRED)."""


def gateway_pids(state_dir: Path) -> frozenset[int]:
    """This process, and the one that supervises with the state directory."""
    found = {os.getpid()}
    with suppress(OSError, ValueError):
        found.add(int((state_dir / NAME).read_text()))
    return frozenset(found)


def unix_server(connected: socket.socket, account: int, gateway: frozenset[int]) -> Server:
    """Who listens at the other end of a Unix socket: who called listen(2), which a successor may have inherited."""
    pid, uid, _gid = _UCRED.unpack(connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    belonging = belonging_of(pid, account, gateway)
    return Server(uid, belonging.session, belonging.gateway)


def tcp_servers(connected: socket.socket, account: int, gateway: frozenset[int]) -> list[Server]:
    """Who serves a TCP connection, or may come to; nobody when it has been hung up.

    Args:
        connected: our end of a connection on this machine.
        account: the uid that sessions run as.
        gateway: the pids of the gateway's main processes.
    """
    here, there = _place(connected.getsockname()), _place(connected.getpeername())
    return [_server(found, account, gateway) for found in serving(_sockets_at(there[1]), here, there)]


def _server(found: TcpSocket, account: int, gateway: frozenset[int]) -> Server:
    holder = holder_of(found.inode)
    belonging = NOBODY if holder is None else belonging_of(holder, account, gateway)
    return Server(found.uid, belonging.session, belonging.gateway)


def _sockets_at(port: int) -> Iterator[TcpSocket]:
    tables = []
    for name, ipv6 in (("tcp", False), ("tcp6", True)):
        with suppress(FileNotFoundError):  # a machine without IPv6
            lines = (PROC_NET / name).read_text().splitlines()
            tables.append(tcp_sockets(lines, ipv6=ipv6, port=port))
    return itertools.chain(*tables)


def _place(address: tuple[str, int] | tuple[str, int, int, int]) -> Place:
    return plain(address[0]), address[1]
