"""What became of the last reload that staff asked for."""

from __future__ import annotations

from datetime import datetime, timedelta

from remote_service.models import Site

PATIENCE = timedelta(seconds=30)
"""After which a reload that nobody has done is called one that nobody does."""
WAITING, SILENT, FAILED, READ, NEVER = "waiting", "silent", "failed", "read", "never"


def outcome_of(site: Site, asked: datetime | None, now: datetime) -> str:
    """One of the constants above.

    Args:
        site: the row.
        asked: when staff last asked for one.
        now: the time.
    """
    if site.reload_done < site.reload_wanted:
        return SILENT if asked is not None and now - asked > PATIENCE else WAITING
    if asked is not None and (site.loaded_at is None or site.loaded_at < asked):
        return FAILED
    return NEVER if site.loaded_at is None else READ
