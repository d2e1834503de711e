"""This machine, and this process on it, by names that nothing else ever has."""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path

from remote_service.hosting.processes import look

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Another one after each start of the machine (random(4)): what ran under an older one has ended."""


@cache
def boot() -> str:
    """Since which start the machine runs; empty where the kernel does not tell."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


@cache
def _numbering() -> str:
    """In which pids are counted here: a container has its own (pid_namespaces(7))."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def place_of(run_dir: Path) -> str:
    """Where runners listen: the machine and the directory, since a Unix socket is reached on its own machine only."""
    return f"{platform.node()}:{run_dir}"


def identity(pid: int | None = None) -> str:
    """A process for good: pid, start time, the machine's start, and where pids are counted so.

    Args:
        pid: whose; our own unless it is given.
    """
    number = os.getpid() if pid is None else pid
    found = look(number)
    return f"{number} {found.start_time if found else 0} {boot()} {_numbering()}"


def has_ended(identity_of: str) -> bool:
    """Whether a process that ran on this machine has ended for sure; what cannot be understood has not."""
    try:
        pid, start_time, booted, numbering = identity_of.split(" ")
        if not booted or not boot():
            return False
        if booted != boot():
            return True
        found = look(int(pid))
        gone = found is None or found.dead or found.start_time != int(start_time)
        return gone and numbering == _numbering()
    except ValueError:
        return False
