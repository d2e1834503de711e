"""`server.pid` and `supervisor.pid`: the processes that serve and stand by, and a lock each that only one can hold.

The lock is flock(2) on a file, so it ends with its holder, however that dies. There are two, so that a supervisor
that stands by keeps no server from being started again; which of the two supervises is decided by the lease.

Releases before the lease lock `server.pid` for themselves alone, and end what they find. All of ours share that one, so
that none of those is started beside them, and no server of ours beside one of those.
"""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

SERVER = "server.pid"
"""Of `serve`."""
SUPERVISOR = "supervisor.pid"
"""Of `supervise`."""
LOCKS = {SERVER: "server.lock", SUPERVISOR: SUPERVISOR}
"""What only one can hold."""


class AlreadyRunningError(RuntimeError):
    """Another process of this kind has this state directory."""


def is_held(state_dir: Path) -> bool:
    """Whether a server or a supervisor of this machine has the state directory at the moment."""
    return any(_is_locked(state_dir / name) for name in (*LOCKS.values(), SERVER))


def _is_locked(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@contextmanager
def hold(state_dir: Path, name: str = SERVER) -> Iterator[Path]:
    """Holds the lock of this name and shows our process id while it does.

    Raises:
        AlreadyRunningError: somebody else holds it; the message names the process.
    """
    path = state_dir / name
    with ExitStack() as opened:
        lock, shared, descriptor = (_open(opened, each) for each in (state_dir / LOCKS[name], state_dir / SERVER, path))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(shared, fcntl.LOCK_SH | fcntl.LOCK_NB)
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


def share(state_dir: Path) -> int | None:
    """Keeps servers before the lease from being started here, as long as the descriptor is open.

    Returns:
        The descriptor; None when one of them runs.
    """
    with ExitStack() as opened:
        descriptor = _open(opened, state_dir / SERVER)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        opened.pop_all()
    return descriptor


def _open(opened: ExitStack, path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    opened.callback(os.close, descriptor)
    return descriptor
