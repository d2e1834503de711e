"""Who else may write what the server trusts: who changes a script runs programs as the session account."""

from __future__ import annotations

import shlex
import stat
from pathlib import Path

from remote_service.config.problems import Code, Problem, Severity
from remote_service.texts import sentence as _


def other_writers(mode: int) -> str | None:
    """Who may write there beside the owner: "its group", "everybody", or None.

    Args:
        mode: `st_mode`. A directory with the sticky bit passes: nobody can replace somebody else's file in
            it.
    """
    if stat.S_ISDIR(mode) and mode & stat.S_ISVTX:
        return None
    if mode & stat.S_IWOTH:
        return _("everybody")
    return _("its group") if mode & stat.S_IWGRP else None


def writable_warning(path: Path, code: Code) -> Problem | None:
    """A warning when others may write `path`; None when they may not, or when it cannot be told."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return None
    writers = other_writers(mode)
    if writers is None:
        return None
    return Problem(
        str(path),
        None,
        (),
        _("the mode %(mode)s, with which %(who)s may write it", mode=f"{stat.S_IMODE(mode):04o}", who=writers),
        _("that only its owner may"),
        f"chmod go-w {shlex.quote(str(path))}",
        code,
        Severity.WARNING,
    )
