"""Scripts that the session account cannot read: a checkout below root's home, mostly.

Started as root, the gateway then serves a copy of the script's directory, owned by root and readable
by that account's group.
"""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

COPIES = Path("/var/lib/remote-service/scripts")
MOST_BYTES = 64 * 1024 * 1024
_IGNORED = frozenset({"__pycache__", ".git", ".venv", "var"})


class CopyError(RuntimeError):
    """The directory cannot be copied; the message says why."""


def ids_of(account: str) -> tuple[int, frozenset[int]]:
    """The uid and all gids of an account."""
    entry = pwd.getpwnam(account)
    groups = {group.gr_gid for group in grp.getgrall() if account in group.gr_mem}
    return entry.pw_uid, frozenset({entry.pw_gid, *groups})


def permits(found: os.stat_result, uid: int, gids: frozenset[int], wanted: int) -> bool:
    """Whether a file's mode lets this account do what `wanted` says: 4 read, 1 search (inode(7))."""
    mode = stat.S_IMODE(found.st_mode)
    if found.st_uid == uid:
        granted = mode >> 6
    elif found.st_gid in gids:
        granted = mode >> 3
    else:
        granted = mode
    return granted & wanted == wanted


def may_read(path: Path, uid: int, gids: frozenset[int]) -> bool:
    """Whether the account can open this file and list the directory that it lies in."""
    folders = list(path.resolve().parents)
    return (
        all(permits(folder.stat(), uid, gids, 1) for folder in folders)
        and permits(folders[0].stat(), uid, gids, 5)
        and permits(path.stat(), uid, gids, 4)
    )


def readable_script(script: Path, account: str | None, copies: Path = COPIES) -> Path:
    """A path at which the account can read the script, with all that lies beside it.

    A copy is named by its content: one that is there already is used, and sessions that run on an older one keep it.

    Raises:
        CopyError: it cannot be read and not be copied.
    """
    if account is None or may_read(script, *ids_of(account)):
        return script
    try:
        return _copy(script.parent, copies, pwd.getpwnam(account).pw_gid) / script.name
    except OSError as error:
        raise CopyError(f"it cannot be copied either: {error}") from error


def _copy(source: Path, copies: Path, gid: int) -> Path:
    """Copies a directory for members of one group; links that lead out of it are left out."""
    files = sorted(_files_of(source))
    total = sum(path.stat().st_size for path in files)
    if total > MOST_BYTES:
        raise CopyError(
            f"{source} is too large to serve a copy of it ({total // 2**20} MiB; at most {MOST_BYTES // 2**20})"
        )
    digest = hashlib.sha256(f"{gid}".encode())
    for path in files:
        name = os.fsencode(path.relative_to(source))
        digest.update(b"%s\0%o\0%d\0" % (name, path.stat().st_mode, path.stat().st_size) + path.read_bytes())
    place = copies / digest.hexdigest()[:24]
    if place.is_dir():
        os.utime(place)  # one that is in use is not old, see `script_copies`
        return place
    for folder in (copies.parent, copies):
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        os.chmod(folder, 0o755)
    fresh = Path(tempfile.mkdtemp(dir=copies))
    try:
        _fill(fresh, files, source, gid)
        fresh.rename(place)
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
        # Another server may have made the same copy meanwhile.
        if not place.is_dir():
            raise
    return place


def _files_of(source: Path) -> Iterator[Path]:
    within = source.resolve()
    for directory, folders, names in os.walk(source):
        folders[:] = [name for name in folders if name not in _IGNORED]
        for path in (Path(directory, name) for name in names if name not in _IGNORED):
            if path.is_file() and path.resolve().is_relative_to(within):
                yield path


def _fill(target: Path, files: Iterable[Path], source: Path, gid: int) -> None:
    for path in files:
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        _open_to(copy, gid, 0o750 if path.stat().st_mode & 0o100 else 0o640)
    for directory, _folders, _names in os.walk(target):
        _open_to(Path(directory), gid, 0o750)


def _open_to(path: Path, gid: int, mode: int) -> None:
    os.chown(path, 0, gid)
    os.chmod(path, mode)
