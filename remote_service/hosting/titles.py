"""What `ps` shows of a fork: whose it is, in the place of the command by which its script host was started."""

from __future__ import annotations

import ctypes
from pathlib import Path

PROC = Path("/proc/self")
MODULE = b"remote_service.hosting.script_host"
"""What a script host, and all that it forks, is known by to whoever reads `ps`."""
_ARG_START, _ARG_END = 48, 49
"""Fields of proc_pid_stat(5), counted from 1."""


def set_title(what: str, session: str) -> None:
    """Writes over the arguments that execve has left in this process's memory; where they are not found, it is let be.

    Args:
        what: what this process is to the session, in a word.
        session: which one; its first part is how people call it.
    """
    try:
        command = (PROC / "cmdline").read_bytes()
        after_name = (PROC / "stat").read_bytes().rpartition(b")")[2].split()
        start, end = (int(after_name[field - 3]) for field in (_ARG_START, _ARG_END))
    except (OSError, IndexError):
        return
    if not start or end - start != len(command) or ctypes.string_at(start, len(command)) != command:
        return
    ctypes.memmove(start, title(command, what, session), len(command))


def title(command: bytes, what: str, session: str) -> bytes:
    """The script host's module, what this process is, the session and its type: as long as the command was (pure).

    Args:
        command: python -m MODULE DESCRIPTOR TYPE, a zero byte after each; or a title, which is of the same length.
        what: as for `set_title`.
        session: likewise.
    """
    of_type = command.rstrip(b"\0").split(b"\0")[-1]
    words = b"\0".join((MODULE, what.encode(), session[:8].encode(), of_type))
    # Without a zero byte at the end the kernel goes on with the environment.
    return words[: len(command) - 1].ljust(len(command), b"\0")
