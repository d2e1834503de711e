"""Who is at the other end of a connected socket on this machine, as the kernel tells it.

It takes two ways. All of it is found out in a thread: reading what a process was started with waits for that process's
memory, which may be held up, and looking for a socket's holder takes long. That a session started a process stays true
as long as that process lives, so it is remembered; for later viewers only whether that process has their connection
open is asked, which the event loop can wait for.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from remote_service.hosting.holders import NOBODY, Belonging, belonging_of, descriptor_of, has_open, holder_of
from remote_service.hosting.listening import PROC_NET
from remote_service.hosting.processes import look
from remote_service.hosting.sock_diag import look_up
from remote_service.hosting.tcp_table import Place, TcpSocket, plain, tcp_sockets
from remote_service.hosting.wire import peer_of
from remote_service.pid_file import SERVER, SUPERVISOR
from remote_service.relay.proof import Server, serving

_MOST_REMEMBERED = 10_000
_MOST_DESCRIPTORS = 256
"""Of a process with more open files they are looked through in a thread."""


def gateway_pids(state_dir: Path) -> frozenset[int]:
    """This process, and those that serve and supervise with the state directory."""
    found = {os.getpid()}
    for name in (SERVER, SUPERVISOR):
        with suppress(OSError, ValueError):
            found.add(int((state_dir / name).read_text()))
    return frozenset(found)


# ---- all of it, in a thread --------------------------------------------------------------------------------


def unix_server(connected: socket.socket, account: int, gateway: frozenset[int]) -> Server:
    """Who listens at the other end of a Unix socket: who called listen(2), which a successor may have inherited."""
    pid, uid = peer_of(connected)
    belonging = _belonging(pid, account, gateway)
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
        holder = likely if likely is not None and _has(likely, each) else holder_of(each.inode)
        if holder is not None:
            _remember(sockets, holder)
        belonging = NOBODY if holder is None else _belonging(holder, account, gateway)
        found.append(Server(each.uid, belonging.session, belonging.gateway))
    return found


_holders: dict[int, int] = {}
"""Where to look first: by the inode of a listening socket, a process that had it or a connection of it open."""


def _remember(sockets: list[TcpSocket], holder: int) -> None:
    _make_room(_holders)
    _holders.update((each.inode, holder) for each in sockets if each.listens)


def _belonging(pid: int, account: int, gateway: frozenset[int]) -> Belonging:
    before = look(pid)
    belonging = belonging_of(pid, account, gateway)
    after = look(pid)
    if belonging.session and before and after and before.start_time == after.start_time:
        _make_room(_sessions)
        _sessions[pid] = (before.start_time, belonging.session)
    return belonging


def _make_room(remembered: dict[int, Any]) -> None:
    while len(remembered) >= _MOST_REMEMBERED:
        remembered.pop(next(iter(remembered)), None)


def _sockets_at(port: int) -> list[TcpSocket]:
    found: list[TcpSocket] = []
    for name, ipv6 in (("tcp", False), ("tcp6", True)):
        with suppress(FileNotFoundError):  # a machine without IPv6
            found += tcp_sockets((PROC_NET / name).read_text().splitlines(), ipv6=ipv6, port=port)
    return found


# ---- what is known, in the event loop ----------------------------------------------------------------------

_sessions: dict[int, tuple[int, str]] = {}
"""By pid: when the process was started (which with the pid names it for good), and by which session."""
_descriptors: dict[int, tuple[int, int]] = {}
"""By the inode of a listening socket: a pid and under which number it had it open."""


def known_unix_server(connected: socket.socket) -> Server | None:
    """Who listens at the other end of a Unix socket, if that is a process that a session is known to have started."""
    pid, uid = peer_of(connected)
    session = _session_of(pid)
    return None if session is None else Server(uid, session)


def known_tcp_server(connected: socket.socket) -> Server | None:
    """Who serves a TCP connection, if that is a process that a session is known to have started."""
    here, there = _place(connected.getsockname()), _place(connected.getpeername())
    try:
        sockets = list(look_up(there, here))
    except OSError:
        return None
    pid = next((_holders.get(each.inode) for each in sockets if each.listens), None)
    session = None if pid is None else _session_of(pid)
    found = serving(sockets, here, there)
    if pid is None or session is None or len(found) != 1 or not _has(pid, found[0], most=_MOST_DESCRIPTORS):
        return None
    return Server(found[0].uid, session)


def _session_of(pid: int) -> str | None:
    start_time, session = _sessions.get(pid, (0, None))
    process = look(pid) if session else None
    return session if process is not None and process.start_time == start_time else None


def _has(pid: int, wanted: TcpSocket, *, most: int | None = None) -> bool:
    """Whether the process has the socket open; of a connection that waits it is the listening one."""
    remembered, descriptor = _descriptors.get(wanted.inode, (0, 0))
    if remembered == pid and has_open(wanted.inode, pid, descriptor):
        return True
    found = descriptor_of(wanted.inode, pid, most=most)
    if found is not None and wanted.listens:
        _make_room(_descriptors)
        _descriptors[wanted.inode] = (pid, found)
    return found is not None


# ---- both --------------------------------------------------------------------------------------------------


def _place(address: tuple[str, int] | tuple[str, int, int, int]) -> Place:
    return plain(address[0]), address[1]
