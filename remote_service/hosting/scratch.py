"""A session's private directory: its name, where it may lie, and its removal whatever the script made of it."""

from __future__ import annotations

import itertools
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PREFIX = "rs-"
FALLBACK = Path("/tmp")
"""Where `tempfile` goes in a process that may not write to our own TMPDIR."""


def scratch_prefix(session: str) -> str:
    """How the name of a session's scratch directory begins; the rest is random."""
    return f"{PREFIX}{session.replace('-', '')[:16]}-"


def make_scratch(session: str) -> Path:
    """A new directory of mode 0700 with a path that is short enough for Unix sockets."""
    return Path(tempfile.mkdtemp(prefix=scratch_prefix(session)))


def scratch_left_by(session: str) -> list[Path]:
    """The scratch directories that a session has left, wherever its processes may have put them."""
    places = {Path(tempfile.gettempdir()), FALLBACK}
    return sorted(found for place in places for found in place.glob(f"{scratch_prefix(session)}*"))


def remove_tree(path: Path) -> bool:
    """Removes a directory with all that it holds; follows no link, whatever permissions, names and depth it has.

    Everything is done relative to open descriptors, so nobody can put a link in the way meanwhile. Directories
    within directories are moved to the top before they are emptied: depth costs neither descriptors nor recursion.

    Returns:
        Whether nothing is left of it.
    """
    with suppress(OSError):
        path.unlink()
    token = secrets.token_hex(8)
    fresh_names = (f"{token}.{number}" for number in itertools.count())
    with suppress(OSError):
        top = _open_directory(str(path), None)
        try:
            while _empty_once(top, fresh_names):
                pass
        finally:
            os.close(top)
        path.rmdir()
    return not os.path.lexists(path)


def _open_directory(name: str, parent: int | None) -> int:
    """Opens a directory, and gives its owner all permissions first (an O_PATH descriptor needs none: open(2))."""
    held = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        with suppress(PermissionError):
            os.chmod(f"/proc/self/fd/{held}", stat.S_IRWXU)
        return os.open(f"/proc/self/fd/{held}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    finally:
        os.close(held)


def _empty_once(top: int, fresh_names: Iterator[str]) -> bool:
    """One pass over the top's entries; False when there was nothing to do, or nothing that could be done."""
    done = [_unlinked(name, top) or _emptied(name, top, fresh_names) for name in os.listdir(top)]
    return any(done)


def _unlinked(name: str, folder: int) -> bool:
    try:
        os.unlink(name, dir_fd=folder)
    except OSError:
        return False
    return True


def _emptied(name: str, top: int, fresh_names: Iterator[str]) -> bool:
    """Unlinks or moves up what one directory of the top holds, then removes it; whether anything became of it."""
    try:
        inner = _open_directory(name, top)
    except OSError:
        return False
    try:
        done = [_unlinked(entry, inner) or _moved_up(entry, inner, top, fresh_names) for entry in os.listdir(inner)]
        with suppress(OSError):
            os.rmdir(name, dir_fd=top)
            done.append(True)
    finally:
        os.close(inner)
    return any(done)


def _moved_up(name: str, folder: int, top: int, fresh_names: Iterator[str]) -> bool:
    try:
        # Opened for its permissions: a directory can be moved only if its owner may write to it.
        os.close(_open_directory(name, folder))
        os.rename(name, next(fresh_names), src_dir_fd=folder, dst_dir_fd=top)
    except OSError:
        return False
    return True
