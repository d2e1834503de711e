"""Old copies of scripts (see `hosting.readable`): a server removes those that it has used and no longer needs.

Copies are shared by all servers of a machine. Each of them remembers in files of its own, one a copy, when it used
it last, and moves the time of the copy as well. So a copy is removed only by who has used it, when nobody has for long.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from remote_service.hosting.readable import COPIES

SLACK = timedelta(hours=3)
"""How long a copy may have been in use after it was last seen so: who looks does it once an hour."""


def may_go(last_used: datetime, before: datetime, oldest_live: datetime | None) -> bool:
    """Whether nobody needs a copy any more.

    Args:
        last_used: when a type was last seen to use it.
        before: whatever was used later stays.
        oldest_live: when the session was made that has lived longest; it may have modules to import yet.
    """
    return last_used < before and (oldest_live is None or oldest_live > last_used + SLACK)


def remove_old(
    used: Collection[Path],
    marks: Path,
    before: datetime,
    oldest_live: datetime | None,
    copies: Path = COPIES,
) -> int:
    """Notes which copies are in use, and removes the old ones; returns how many those were.

    Args:
        used: the directories of the scripts that types use now; those that are no copies do not count.
        marks: where this server notes what it has used; made when there is something to note.
        before: see `may_go`.
        oldest_live: see `may_go`.
        copies: where the copies are.

    Raises:
        OSError: one cannot be removed, or a mark cannot be written.
    """
    names = {folder.name for folder in used if folder.parent == copies}
    if names:
        marks.mkdir(mode=0o700, exist_ok=True)
    for name in names:
        (marks / name).touch(mode=0o600)
        os.utime(copies / name)
    removed = 0
    for mark in sorted(marks.iterdir()) if marks.is_dir() else ():
        copy = copies / mark.name
        if mark.name in names or not may_go(_modified(mark), before, oldest_live):
            continue
        # Another server may still use it.
        with suppress(FileNotFoundError):
            if _modified(copy) < before:
                shutil.rmtree(copy)
                removed += 1
        mark.unlink()
    return removed


def _modified(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
