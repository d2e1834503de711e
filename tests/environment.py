"""The environment of the tests' own site; a plugin of pytest, named in pyproject.toml.

pytest-django loads the site's settings before any conftest.py is read. They must not come upon the state directory of
a real site, nor upon that of other tests that run at the same time.

All that a run of the tests makes under /tmp is in one folder. The process that was started first owns it and removes
it when it ends, however pytest ends: the workers of pytest-xdist may be killed before they could tidy up. What a
killed run left is removed by the next one.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "rsg-test-run-"
_VARIABLE = "TEST_RUN_FOLDER"
"""Tells the processes that the first one starts where the folder is."""


def _own_folder() -> Path:
    """Makes the folder of this run, and removes those whose owners have gone."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if (lock := _lock(left)) is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(lock)
    while True:
        made = Path(tempfile.mkdtemp(prefix=_PREFIX))
        # Another run that begins at this moment may have found it without an owner.
        if _lock(made) is not None and made.exists():
            break
    # The session account must be able to enter what tests open for it.
    made.chmod(0o711)
    atexit.register(_remove, made, os.getpid())
    os.environ[_VARIABLE] = str(made)
    return made


def _lock(path: Path) -> int | None:
    """Takes a folder until the descriptor is closed, at the latest by the end of the process; None if that fails."""
    descriptor = None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        if descriptor is not None:
            os.close(descriptor)
        return None
    return descriptor


def _remove(made: Path, owner: int) -> None:
    # What this process has forked inherits its atexit functions.
    if os.getpid() == owner:
        shutil.rmtree(made, ignore_errors=True)


FOLDER = Path(os.environ[_VARIABLE]) if _VARIABLE in os.environ else _own_folder()
STATE = Path(tempfile.mkdtemp(prefix="state-", dir=FOLDER))
os.environ["REMOTE_SERVICE_STATE_DIR"] = str(STATE)
# All of a run's log-ins come from one address.
os.environ["REMOTE_SERVICE_LOGINS_PER_MINUTE"] = "1000000"
for name in ("DATABASE_URL", "CHANNEL_LAYER_URL", "WEBSOCKETSERVER_SECURITY_TOKEN", "REMOTE_SERVICE_CONFIG"):
    os.environ.pop(name, None)


def make_folder(kind: str) -> Path:
    """A directory that other accounts can enter, unlike pytest's own; removed at the end of the run at the latest."""
    made = Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=FOLDER))
    made.chmod(0o755)
    return made


@contextmanager
def folder(kind: str) -> Iterator[Path]:
    """The same, for the time of a block."""
    made = make_folder(kind)
    try:
        yield made
    finally:
        shutil.rmtree(made)


def made_once(name: str, make: Callable[[Path], object]) -> Path:
    """What `make` leaves at the path that it is given: once a run, by the first of its processes that asks."""
    ready = FOLDER / name
    with (FOLDER / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            half = FOLDER / f"{name}.new"
            make(half)
            half.rename(ready)
    return ready
