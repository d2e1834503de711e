"""`server.pid`: the process that supervises, and a lock that only one can hold.

The lock is flock(2) on the file, so it ends with its holder, however that dies.
"""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NAME = "server.pid"


class AlreadyRunningError(RuntimeError):
    """Another supervisor has this state directory."""


def is_held(state_dir: Path) -> bool:
    """Whether a supervisor of this machine has the state directory at the moment."""
    try:
        with open(state_dir / NAME, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@contextmanager
def hold(state_dir: Path) -> Iterator[Path]:
    """Holds the lock and shows our process id while it does.

    Raises:
        AlreadyRunningError: somebody else holds it; the message names the process.
    """
    path = state_dir / NAME
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            raise AlreadyRunningError(
                f"a server (process {pid}) already runs with the state directory {state_dir}; expected none. "
                "Stop it, or set REMOTE_SERVICE_STATE_DIR to another directory to run a second one"
            ) from None
        # From the moment that our id can be read, somebody may ask for a reload, which must not end us.
        with suppress(ValueError):
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        try:
            yield path
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)
