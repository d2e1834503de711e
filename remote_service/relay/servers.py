"""Who is at the other end of a connected socket on this machine, as the kernel tells it."""

from __future__ import annotations

import os
import socket
import struct
from contextlib import suppress
from pathlib import Path

from remote_service.hosting.holders import NOBODY, belonging_of, holder_of
from remote_service.hosting.listening import PROC_NET
from remote_service.hosting.sock_diag import look_up
from remote_service.hosting.tcp_table import Place, TcpSocket, plain, tcp_sockets
from remote_service.pid_file import NAME
from remote_service.relay.proof import Server, serving

_MOST_REMEMBERED = 10_000
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
    try:
        sockets = list(look_up(there, here))
    except OSError:  # it is not there, or this kernel does not tell of single ones
        sockets = _sockets_at(there[1])
    likely = next((_holders.get(each.inode) for each in sockets if each.listens), None)
    found = []
    for each in serving(sockets, here, there):
        holder = holder_of(each.inode, likely)
        if holder is not None:
            _remember(sockets, holder)
        belonging = NOBODY if holder is None else belonging_of(holder, account, gateway)
        found.append(Server(each.uid, belonging.session, belonging.gateway))
    return found


_holders: dict[int, int] = {}
"""Where to look first: by the inode of a listening socket, a process that had it or a connection of it open."""


def _remember(sockets: list[TcpSocket], holder: int) -> None:
    while len(_holders) >= _MOST_REMEMBERED:
        _holders.pop(next(iter(_holders)), None)
    _holders.update((each.inode, holder) for each in sockets if each.listens)


def _sockets_at(port: int) -> list[TcpSocket]:
    found: list[TcpSocket] = []
    for name, ipv6 in (("tcp", False), ("tcp6", True)):
        with suppress(FileNotFoundError):  # a machine without IPv6
            found += tcp_sockets((PROC_NET / name).read_text().splitlines(), ipv6=ipv6, port=port)
    return found


def _place(address: tuple[str, int] | tuple[str, int, int, int]) -> Place:
    return plain(address[0]), address[1]
