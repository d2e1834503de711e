"""Processes of a session: found as descendants, by marker and by control group, and ended without mistakes.

Read from `/proc` (proc(5)). A pid alone is never believed: between reading and killing, the process is held by a
pidfd and its start time and marker are looked at again (pidfd_open(2)). The marker is in the environment, which a
program may empty; the group, where sessions have one (`hosting.cgroups`), it cannot leave.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

MARKER = "REMOTE_SERVICE_SESSION"
GROUPS = "remote-session"
"""The control group below which each session has its own, by its UUID."""
NO_SESSION = "00000000-0000-0000-0000-000000000000"
"""What a script host carries in the marker's place; as long as a session's UUID, so it can be overwritten."""

_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)
_libc.getenv.restype = ctypes.c_void_p
_placeholder = _libc.getenv(MARKER.encode())
"""Where it stands; looked up at import, since a script may empty its environment afterwards."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process as it was seen: pid and start time together name it for good."""

    pid: int
    parent: int
    state: str
    start_time: int

    @property
    def dead(self) -> bool:
        """A zombie runs no more; pid 1 may take seconds to fetch it."""
        return self.state in "ZX"


def look(pid: int) -> Process | None:
    """The process with this pid, or None when there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return Process(pid, int(fields[1]), fields[0].decode(), int(fields[19]))


def all_processes() -> dict[int, Process]:
    """Every process that can be seen now, by pid."""
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return {process.pid: process for pid in pids if (process := look(pid)) is not None}


def descendants(root: int) -> list[Process]:
    """The living children of `root`, their children and so on."""
    processes = all_processes()
    found: dict[int, Process] = {}
    grown = True
    while grown:
        grown = False
        for process in processes.values():
            if process.pid not in found and (process.parent == root or process.parent in found):
                found[process.pid] = process
                grown = True
    return [process for process in found.values() if not process.dead]


def carries_marker(pid: int, session: str) -> bool:
    """Whether the process was started with this session's marker (False when that may not be read)."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as environ:
            return f"{MARKER}={session}".encode() in environ.read().split(b"\0")
    except OSError:
        return False


def runs(pid: int, module: bytes) -> bool:
    """Whether the process was started as `python -m module` (False when that may not be read)."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as command:
            return module in command.read().split(b"\0")
    except OSError:
        return False


def leads(pid: int) -> bool:
    """Whether the process leads a process session of its own (False when it has ended)."""
    try:
        return os.getsid(pid) == pid
    except OSError:
        return False


def marker_of(pid: int) -> str:
    """The session whose marker the process was started with; empty when it has none, or that may not be read."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as environ:
            variables = environ.read().split(b"\0")
    except OSError:
        return ""
    begin = f"{MARKER}=".encode()
    found = next((each[len(begin) :] for each in variables if each.startswith(begin)), b"")
    return found.decode(errors="replace")


def in_group(pid: int, session: str) -> bool:
    """Whether the process is in the session's control group (False when that may not be read)."""
    try:
        with open(f"/proc/{pid}/cgroup", "rb") as groups:
            return f"/{GROUPS}/{session}/".encode() in groups.read().replace(b"\n", b"/")
    except OSError:
        return False


def belongs(pid: int, session: str) -> bool:
    """Whether the process is the session's for sure."""
    return carries_marker(pid, session) or in_group(pid, session)


def marked(session: str) -> list[Process]:
    """The living processes that carry the session's marker, or are in its control group."""
    return [p for p in all_processes().values() if not p.dead and belongs(p.pid, session)]


def mark_this_process(session: str) -> None:
    """Puts the session's marker into this process's own environment, for itself and for all it forks or starts.

    `/proc/PID/environ` shows the memory that execve filled, so setting the variable alone would leave plain forks
    unmarked: the placeholder that came with the script host's environment is overwritten where it stands.
    """
    if _placeholder and ctypes.string_at(_placeholder) == NO_SESSION.encode() and len(session) == len(NO_SESSION):
        ctypes.memmove(_placeholder, session.encode(), len(session))
    os.environ[MARKER] = session


def adopt_orphans() -> None:
    """Makes orphaned descendants children of this process (PR_SET_CHILD_SUBREAPER in prctl(2))."""
    if _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER) failed")


def reap() -> list[tuple[int, int]]:
    """Fetches every child that has ended: (pid, wait status) each."""
    ended = []
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            ended.append((pid, status))
    return ended


def end_processes(
    find: Callable[[], Iterable[Process]], *, patience: float, still: Callable[[Process], bool] = lambda _: True
) -> list[int]:
    """Ends what `find` finds: SIGTERM, `patience` seconds, SIGKILL, until nothing more is found.

    It fetches no children that have ended: whose children they are, only the caller knows.

    Args:
        find: lists the processes; asked again each round, since a dying program may have forked.
        patience: seconds between SIGTERM and SIGKILL; the kill itself is given 2 s more.
        still: asked with the process held by a pidfd, right before a signal is sent.

    Returns:
        The pids that would not go, empty when all is well.
    """
    deadline = time.monotonic() + patience
    last = deadline + 2.0
    signalled: set[Process] = set()
    while (now := time.monotonic()) < last:
        found = [process for process in find() if process.pid != os.getpid()]
        if not found:
            return []
        number = signal.SIGTERM if now < deadline else signal.SIGKILL
        waiting = []
        for process in found:
            held = _hold(process)
            if held is None:
                continue
            waiting.append(held)
            key = Process(process.pid, 0, number.name, process.start_time)
            if key not in signalled and still(process):
                signalled.add(key)
                with suppress(ProcessLookupError, PermissionError):
                    signal.pidfd_send_signal(held, number)
                    # A stopped process takes SIGTERM only once it is continued.
                    signal.pidfd_send_signal(held, signal.SIGCONT)
        if waiting:
            wait_for_one(waiting, min((deadline if now < deadline else last) - now, 0.1))
        for held in waiting:
            os.close(held)
    return [process.pid for process in find() if process.pid != os.getpid()]


def wait_for_one(held: Iterable[int], seconds: float) -> bool:
    """Waits until one of the processes behind these pidfds has ended; False when none has."""
    # Not select(2), which takes no descriptor above 1023: a gateway has more.
    poll = select.poll()
    for descriptor in held:
        poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))


def _hold(process: Process) -> int | None:
    """A pidfd on exactly this process, or None when it has gone."""
    try:
        held = os.pidfd_open(process.pid)
    except OSError:
        return None
    now = look(process.pid)
    if now is None or now.start_time != process.start_time:
        os.close(held)
        return None
    return held
