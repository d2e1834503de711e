"""When a running session will end by itself: its longest time, and its last viewer's leaving."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from remote_service.config.schema import Limits
from remote_service.models import Session, Viewer
from remote_service.states import State


@dataclass(frozen=True, slots=True)
class Looked:
    """A viewer that has looked at a session: when it left, and how; those that came back again are not counted."""

    closed_at: datetime | None
    ending: str


def longest_until(session: Session, limits: Limits) -> datetime | None:
    """When it has run for as long as it may; None when it does not run, or may for ever."""
    if session.state != State.RUNNING or session.running_at is None or limits.max_lifetime is None:
        return None
    return session.running_at + timedelta(seconds=limits.max_lifetime + session.extension)


def deserted_until(session: Session, limits: Limits, looked: Collection[Looked]) -> datetime | None:
    """When it ends unless somebody opens it; None when somebody looks at it, or it stays in any case."""
    if session.state != State.RUNNING or session.running_at is None or session.on_last_disconnect == "keep":
        return None
    if not looked:
        return _later(session.running_at, limits.reservation_timeout)
    ends = [
        viewer.closed_at
        and _later(viewer.closed_at, limits.linger if viewer.ending == Viewer.Ending.CLEAN else limits.reconnect)
        for viewer in looked
    ]
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None


def _later(since: datetime, seconds: float | None) -> datetime | None:
    return None if seconds is None else since + timedelta(seconds=seconds)
