"""Scripts that the session account cannot read: a checkout below root's home, mostly.

Started as root, the gateway then serves a copy of the script's directory, made anew at each load, in a place that
root owns and everybody may read.
"""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import shutil
import stat
from pathlib import Path

COPIES = Path("/var/lib/remote-service/scripts")
MOST_BYTES = 64 * 1024 * 1024
_IGNORED = shutil.ignore_patterns("__pycache__", ".git", ".venv", "var")


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


def readable_script(script: Path, account: str | None, copies: Path = COPIES) -> tuple[Path, bool]:
    """A path at which the account can read the script, with all that lies beside it.

    Returns:
        The path, and whether it is a copy.

    Raises:
        CopyError: it cannot be read and not be copied.
    """
    if account is None or may_read(script, *ids_of(account)):
        return script, False
    source = script.parent
    total = sum(file.lstat().st_size for file in source.rglob("*") if ".venv" not in file.parts)
    if total > MOST_BYTES:
        raise CopyError(
            f"the account {account!r} cannot read {script}, and {source} is too large to serve a copy of it "
            f"({total // 2**20} MiB; at most {MOST_BYTES // 2**20})"
        )
    place = copies / hashlib.sha256(str(source).encode()).hexdigest()[:16]
    fresh = place.with_name(f"{place.name}.{os.getpid()}")
    try:
        for folder in (copies.parent, copies):
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            os.chmod(folder, 0o755)
        shutil.copytree(source, fresh, symlinks=True, ignore=_IGNORED)
        for directory, _names, files in os.walk(fresh):
            os.chmod(directory, 0o755)
            for name in files:
                file = Path(directory, name)
                if not file.is_symlink():
                    os.chmod(file, 0o755 if file.stat().st_mode & 0o100 else 0o644)
        shutil.rmtree(place, ignore_errors=True)
        fresh.rename(place)
    except OSError as error:
        raise CopyError(f"the account {account!r} cannot read {script}, and it cannot be copied: {error}") from error
    return place / script.name, True
