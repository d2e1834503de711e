"""What sessions leave when something goes wrong: processes, sockets, lock files, directories."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from tests.waiting import eventually

MARKER = "REMOTE_SERVICE_SESSION"
X_LOCKS = Path("/tmp")
X_SOCKETS = Path("/tmp/.X11-unix")


class Leftovers:
    """Looks for what is left of the sessions of one state directory."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._seen: set[psutil.Process] = set()
        self._x_files: dict[Path, tuple[int, int]] = {}

    def remember(self, server: int | None, sessions: Iterable[str] = ()) -> None:
        """Takes down what lives now: the server's children, all of these sessions, and their X servers' files."""
        with suppress(psutil.NoSuchProcess):
            self._seen.update(psutil.Process(server).children(recursive=True) if server else ())
        self._seen.update(marked(*sessions))
        pids = {str(process.pid) for process in self._seen}
        files = [lock for lock in X_LOCKS.glob(".X*-lock") if read(lock).strip() in pids]
        for process in self._seen:
            with suppress(psutil.Error):
                listening = [Path(connection.laddr) for connection in process.net_connections("unix")]
                files += [path for path in listening if path.parent == X_SOCKETS]
        for file in files:
            with suppress(FileNotFoundError):
                self._x_files[file] = identity(file)

    @property
    def x_files(self) -> list[Path]:
        """The X servers' sockets and lock files that were taken down."""
        return sorted(self._x_files)

    def of(self, sessions: Collection[str] = ()) -> list[str]:
        """What is left, a line each; empty when all is well."""
        found = [f"process {p.pid}: {command(p)}" for p in self._seen if lives(p)]
        found += [f"process {p.pid}: {command(p)}" for p in marked(*sessions) if p not in self._seen]
        found += [f"directory {path}" for session in sessions for path in scratch(session)]
        found += [f"socket {path}" for path in (self._state / "run").iterdir()]
        for file, was in self._x_files.items():
            # Somebody else's X server may have taken the same display meanwhile; then the file is another one.
            with suppress(FileNotFoundError):
                if identity(file) == was:
                    found.append(f"X server's file {file}")
        return found

    def end(self, sessions: Collection[str]) -> None:
        """Kills and removes what is left; for the time after a test."""
        left = {process for process in (*self._seen, *marked(*sessions)) if lives(process)}
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        eventually(lambda: not any(lives(process) for process in left))
        for file, was in self._x_files.items():
            with suppress(FileNotFoundError):
                if identity(file) == was:
                    file.unlink()
        for session in sessions:
            for path in scratch(session):
                shutil.rmtree(path, ignore_errors=True)


def marked(*sessions: str) -> list[psutil.Process]:
    """The living processes that carry the marker of one of these sessions."""
    wanted = {f"{MARKER}={session}".encode() for session in sessions}
    found: list[psutil.Process] = []
    if not wanted:
        return found
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError, psutil.NoSuchProcess):
                if not wanted.isdisjoint(Path("/proc", name, "environ").read_bytes().split(b"\0")):
                    found.append(psutil.Process(int(name)))
    return [process for process in found if lives(process)]


def scratch(session: str) -> list[Path]:
    """A session's private directories."""
    return list(Path(tempfile.gettempdir()).glob(f"rs-{session.replace('-', '')[:16]}-*"))


def lives(process: psutil.Process) -> bool:
    """Whether it still runs; a zombie does not (pid 1 may take seconds to fetch it)."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def command(process: psutil.Process) -> str:
    """Its command line, for messages."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return "?"


def identity(file: Path) -> tuple[int, int]:
    """What tells a file from a later one of the same name."""
    found = file.stat()
    return found.st_ino, found.st_ctime_ns


def read(file: Path) -> str:
    """What a file holds; nothing when it has gone."""
    try:
        return file.read_text()
    except OSError:
        return ""
