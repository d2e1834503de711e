"""This machine, and this process on it, by names that nothing else ever has."""

from __future__ import annotations

import hashlib
import hmac
import os
import platform
import re
from functools import cache
from pathlib import Path

from remote_service.hosting.processes import look
from remote_service.hosting.whereabouts import Whereabouts

MACHINE_ID = Path("/etc/machine-id")
"""Of the installation (machine-id(5)); containers may have none, or an empty one, and clones have the same."""
US = bytes.fromhex("c0c4f27ff9e94b9a8f1ab2a9cd4e1f63")
"""Stands for this program where ids of machines are made for a program each."""
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


@cache
def machine() -> str:
    """The machine as an id of 32 digits that only this program makes of it; the same after its next start.

    The id of the machine itself is a secret (machine-id(5)), so that it is hashed with a key, as
    sd_id128_get_machine_app_specific(3) does. Where there is none, the host name has to do.
    """
    try:
        text = MACHINE_ID.read_text().strip()
    except (OSError, UnicodeDecodeError):
        text = ""
    told = bytes.fromhex(text) if re.fullmatch("[0-9a-f]{32}", text) and text.strip("0") else b""
    digest = bytearray(hmac.digest(told or platform.node().encode(), US, hashlib.sha256)[:16])
    digest[6] = digest[6] & 0x0F | 0x40
    digest[8] = digest[8] & 0x3F | 0x80
    return digest.hex()


def here(run_dir: Path) -> Whereabouts:
    """Where this process is, and runners that listen in the directory."""
    return Whereabouts(place_of(run_dir), boot(), f"{machine()} {_numbering()}")


def place_of(run_dir: Path) -> str:
    """Where runners listen, for people: a Unix socket is reached on its own machine only."""
    return f"{platform.node()}:{run_dir}"


def identity(pid: int | None = None) -> str:
    """A process for good: pid, start time, the machine's start, where pids are counted so, and the machine.

    Args:
        pid: whose; our own unless it is given.
    """
    number = os.getpid() if pid is None else pid
    found = look(number)
    return f"{number} {found.start_time if found else 0} {boot()} {_numbering()} {machine()}"


def has_ended(identity_of: str) -> bool:
    """Whether a process has ended for sure: it ran on this machine, since this start of it, counted as we count.

    Of any other nobody knows: what looks like an earlier start of this machine may be a clone that runs. What cannot be
    understood has not ended. An older version does not tell the machine, which is certain by the other two.
    """
    try:
        pid, start_time, booted, numbering, *machines = identity_of.split(" ")
        if not (booted and numbering) or (booted, numbering) != (boot(), _numbering()):
            return False
        if machines not in ([], [machine()]):
            return False
        found = look(int(pid))
        return found is None or found.dead or found.start_time != int(start_time)
    except ValueError:
        return False
