"""Whose a process is that holds a socket: the session that started it, or the gateway itself.

A process belongs to a session when it, or one that it descends from, runs as the sessions' account and carries the
session's marker: a runner adopts what its session's programs leave behind. Other accounts' processes could carry any
marker, so theirs do not count. Read from `/proc`, as far as that may be read.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass

from remote_service.hosting.processes import NO_SESSION, look, marker_of

MOST_ANCESTORS = 1000
"""Steps from a process to its parent; while they are gone, pids may be given anew and lead round in a circle."""


@dataclass(frozen=True, slots=True)
class Belonging:
    """Whose a process is."""

    session: str = ""
    """The session that started it; empty when none did, or that cannot be seen."""
    gateway: bool = False
    """It is the gateway, or a process of it that belongs to no session."""


NOBODY = Belonging()


def belonging_of(pid: int, account: int, gateway: Collection[int]) -> Belonging:
    """Whose a process is.

    Args:
        pid: the process; one that has gone is nobody's.
        account: the uid that sessions run as.
        gateway: the pids of the gateway's main processes.
    """
    for each in _line_of(pid):
        if each in gateway:
            return Belonging(gateway=True)
        marker = marker_of(each) if uid_of(each) == account else ""
        if marker:
            # Of a script host, which belongs to its type: what it started serves all of the type's sessions.
            return Belonging(session="" if marker == NO_SESSION else marker)
    return NOBODY


def _line_of(pid: int) -> Iterator[int]:
    """The process, its parent, its parent's parent and so on."""
    for _ in range(MOST_ANCESTORS):
        found = look(pid) if pid > 1 else None
        if found is None:
            return
        yield pid
        pid = found.parent


def uid_of(pid: int) -> int | None:
    """As whom the process runs; None when it has gone."""
    try:
        with open(f"/proc/{pid}/status", "rb") as status:
            _before, found, behind = status.read().partition(b"\nUid:")
    except OSError:
        return None
    return int(behind.split(maxsplit=2)[1]) if found else None


def holder_of(inode: int, likely: int | None = None) -> int | None:
    """A process that has the socket open: the likely one, or else the youngest; None when none may be seen to."""
    if likely is not None and descriptor_of(inode, likely) is not None:
        return likely
    pids = sorted((int(name) for name in os.listdir("/proc") if name.isdigit()), reverse=True)
    return next((pid for pid in pids if descriptor_of(inode, pid) is not None), None)


def descriptor_of(inode: int, pid: int, *, most: int | None = None) -> int | None:
    """Under which number the process has the socket open, looked for from the latest on; None when it is not seen to.

    Args:
        inode: the socket's.
        pid: the process.
        most: it is not looked for among more descriptors than that.
    """
    with suppress(OSError):
        descriptors = os.listdir(f"/proc/{pid}/fd")
        if most is None or len(descriptors) <= most:
            return next((int(each) for each in reversed(descriptors) if has_open(inode, pid, int(each))), None)
    return None


def has_open(inode: int, pid: int, descriptor: int) -> bool:
    """Whether the process has the socket open under this number."""
    with suppress(OSError):  # it may be closed meanwhile
        return os.readlink(f"/proc/{pid}/fd/{descriptor}") == f"socket:[{inode}]"
    return False
