"""What has become old is removed: sessions that are over with their history, logs, copies of scripts.

Live sessions, and those whose slots are in quarantine, are never touched. It is done in small pieces, in a thread of
its own with a database connection of its own, so that nobody who serves a session waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django import db
from django.db.models import Min
from django.db.models.functions import Coalesce
from django.utils import timezone

from remote_service import script_copies
from remote_service.conf import GatewaySettings
from remote_service.config.words import plural
from remote_service.models import Session, SessionEvent, live_states
from remote_service.tasks import spawn

log = logging.getLogger(__name__)

EVERY = 3600.0
"""Seconds between two rounds."""
REST = 0.1
"""Seconds between two pieces of a round, for others who write."""
PIECE = 50
"""Sessions, or logs, that are removed at once; of events ten times as many."""
COPY_DAYS = 14
"""How long a copy of a script stays that no type uses any more."""

_OVER_AT = Coalesce("ended_at", "state_since")
"""When a session ended: who sets a state by hand may forget the one column."""

Scripts = Callable[[], Collection[Path]]
"""Tells the scripts that types use now."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """What was over before these moments is removed; None: it stays for ever."""

    history: datetime | None
    logs: datetime | None
    copies: datetime

    @classmethod
    def at(cls, now: datetime, history_days: int, log_days: int) -> Horizon:
        """The horizon of a moment; 0 days are for ever."""
        return cls(
            now - timedelta(days=history_days) if history_days else None,
            now - timedelta(days=log_days) if log_days else None,
            now - timedelta(days=COPY_DAYS),
        )


@dataclass(frozen=True, slots=True)
class Fate:
    """What decides about a session's log."""

    over: bool
    """The session has ended, and its slot is not in quarantine."""
    since: datetime


def log_may_go(fate: Fate | None, written: datetime, before: datetime) -> bool:
    """Whether a log is old.

    Args:
        fate: its session's; None when there is no such session any more.
        written: when the log was written to last.
        before: the horizon.
    """
    return written < before if fate is None else fate.over and fate.since < before


# ---- one piece of each kind -----------------------------------------------------------------------------------


def remove_sessions(before: datetime) -> Counter[str]:
    """Removes some sessions that were over before, with all that hangs on them; returns how many rows of what."""
    ended = Session.objects.exclude(state__in=live_states()).filter(quarantined=False).annotate(over_at=_OVER_AT)
    keys = list(ended.filter(over_at__lt=before).order_by("over_at").values_list("pk", flat=True)[:PIECE])
    _total, removed = Session.objects.filter(pk__in=keys, quarantined=False).delete()
    return Counter({label.rpartition(".")[2]: count for label, count in removed.items()})


def remove_events(before: datetime) -> Counter[str]:
    """Removes some old events that are about no session."""
    old = SessionEvent.objects.filter(session=None, at__lt=before).order_by("pk").values_list("pk", flat=True)
    removed, _each = SessionEvent.objects.filter(pk__in=list(old[: 10 * PIECE])).delete()
    return Counter(SessionEvent=removed)


def remove_logs(logs: dict[uuid.UUID, Path], before: datetime) -> Counter[str]:
    """Removes those that are old among some sessions' logs.

    Raises:
        OSError: one cannot be removed.
    """
    sessions = Session.objects.filter(pk__in=logs).annotate(over_at=_OVER_AT)
    rows = sessions.values_list("pk", "state", "quarantined", "over_at")
    live = live_states()
    fates = {key: Fate(state not in live and not kept, since) for key, state, kept, since in rows}
    removed = 0
    for key, path in logs.items():
        with suppress(FileNotFoundError):
            if log_may_go(fates.get(key), datetime.fromtimestamp(path.stat().st_mtime, UTC), before):
                path.unlink()
                removed += 1
    return Counter(log=removed)


def remove_copies(settings: GatewaySettings, scripts: Scripts, before: datetime) -> Counter[str]:
    """Removes copies of scripts that this server used, and nobody needs any more.

    Raises:
        OSError: one cannot be removed.
    """
    oldest = Session.objects.live().aggregate(oldest=Min("created_at"))["oldest"]
    used = [script.parent for script in scripts()]
    return Counter(copy=script_copies.remove_old(used, settings.used_copies, before, oldest))


# ---- all of it ------------------------------------------------------------------------------------------------


async def tidy(settings: GatewaySettings, scripts: Scripts, now: datetime) -> Counter[str]:
    """One round: removes all that is old now, and returns how much of what.

    Raises:
        django.db.Error: the database does not answer.
        OSError: a file cannot be removed.
    """
    horizon = Horizon.at(now, settings.history_days, settings.log_days)
    removed: Counter[str] = Counter()
    if horizon.history is not None:
        for piece in (remove_sessions, remove_events):
            while found := await _apart(piece, horizon.history):
                removed += found
                await asyncio.sleep(REST)
    if horizon.logs is not None:
        for logs in await asyncio.to_thread(lambda: list(_pieces(settings.session_logs))):
            removed += await _apart(remove_logs, logs, horizon.logs)
            await asyncio.sleep(REST)
    return removed + await _apart(remove_copies, settings, scripts, horizon.copies)


def _pieces(folder: Path) -> Iterator[dict[uuid.UUID, Path]]:
    """The sessions' logs, some at a time; files of other names are not ours."""
    found: dict[uuid.UUID, Path] = {}
    for path in folder.glob("*.log"):
        with suppress(ValueError):
            found[uuid.UUID(path.stem)] = path
        if len(found) == PIECE:
            yield found
            found = {}
    if found:
        yield found


async def _apart(piece: Callable[..., Counter[str]], *arguments: object) -> Counter[str]:
    """Does a piece in a thread of its own; what it did not find does not count."""

    def work() -> Counter[str]:
        try:
            return +piece(*arguments)
        finally:
            db.connections.close_all()

    return await asyncio.to_thread(work)


def in_words(removed: Counter[str]) -> str:
    """What was removed, for the log."""
    return ", ".join(
        [
            f"{plural(removed['Session'], 'session')} that had ended",
            plural(removed["SessionEvent"], "event"),
            plural(removed["Viewer"], "viewer"),
            plural(removed["log"], "log"),
            f"{removed['copy']} old copies of scripts",
        ]
    )


async def _keep_tidy(settings: GatewaySettings, scripts: Scripts) -> None:
    """A round at once and then every hour."""
    while True:
        try:
            if removed := await tidy(settings, scripts, timezone.now()):
                log.info("what was old is removed: %s", in_words(removed))
        except (db.Error, OSError) as error:
            log.warning("what is old could not be removed, which is tried again in an hour: %s", error)
        await asyncio.sleep(EVERY)


@asynccontextmanager
async def at_work(settings: GatewaySettings, scripts: Scripts) -> AsyncIterator[None]:
    """Removes what is old for the time of a block: at once, and then every hour."""
    work = spawn(_keep_tidy(settings, scripts), name="retention")
    try:
        yield
    finally:
        work.cancel()
        await asyncio.wait({work})
