"""What the database says about the live sessions, in four queries, whatever their number."""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F
from django.utils import timezone

from remote_service.ages import Ages
from remote_service.decisions import Departure, Known, Runner
from remote_service.hosting.status import Status
from remote_service.models import Gateway, Session, Site, Viewer
from remote_service.states import EndReason, State

GATEWAY_SILENCE = 10.0
"""Seconds without a heartbeat after which a gateway's viewers count as cut."""
SLOW_WRITE = 1.0
"""Seconds after which a write counts as held up."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the database."""

    sessions: list[Session]
    viewers: dict[str, list[Viewer]]
    gateways: list[Gateway]
    site: Site
    at: datetime


def look() -> Look:
    """Reads what a tick needs."""
    sessions = list(Session.objects.live())
    viewers: dict[str, list[Viewer]] = defaultdict(list)
    for viewer in Viewer.objects.filter(session__in=[s.pk for s in sessions], superseded=False):
        viewers[str(viewer.session_id)].append(viewer)
    return Look(sessions, viewers, list(Gateway.objects.all()), Site.load(), timezone.now())


def known(
    session: Session,
    viewers: list[Viewer],
    ages: Ages,
    status: Status | None,
    *,
    runner: Runner,
    may_try_again: bool = True,
) -> Known:
    """Everything that a decision needs. While no supervisor ran, nobody could use a session, and nobody has to pay."""
    key = str(session.pk)
    running_age = ages.age((key, "running"), session.running_at) if session.running_at else 0.0
    last_input = session.last_input_at or session.running_at
    state_age = ages.watched if session.state == State.RESERVED else ages.age
    return Known(
        state=State(session.state),
        wanted=session.wanted,
        wanted_reason=EndReason(session.wanted_reason) if session.wanted_reason else None,
        wanted_detail=session.wanted_detail,
        limits=session.limits,
        keep=session.on_last_disconnect == "keep",
        state_age=state_age((key, "state"), session.state_since),
        running_age=running_age,
        unseen_age=ages.watched((key, "running"), session.running_at) if session.running_at else 0.0,
        input_age=ages.watched((key, "input"), last_input) if last_input else 0.0,
        extension=session.extension,
        warned=EndReason(session.near_end) if session.near_end else None,
        viewers=sum(viewer.closed_at is None for viewer in viewers),
        departures=tuple(
            Departure(ages.watched((key, viewer.pk), viewer.closed_at), viewer.ending == Viewer.Ending.CLEAN)
            for viewer in viewers
            if viewer.closed_at is not None
        ),
        status=status,
        runner=runner,
        may_try_again=may_try_again,
    )


def silent_gateways(gateways: list[Gateway], seen: dict[str, tuple[int, float]], now: float) -> list[uuid.UUID]:
    """The gateways whose counter has stood still for too long.

    Args:
        gateways: as the look found them.
        seen: per gateway its counter and when it last moved (monotonic seconds); kept by the caller between looks.
        now: monotonic seconds.
    """
    silent = []
    for gateway in gateways:
        key = str(gateway.pk)
        if key not in seen or seen[key][0] != gateway.beats:
            seen[key] = (gateway.beats, now)
        elif now - seen[key][1] >= GATEWAY_SILENCE:
            silent.append(gateway.pk)
    return silent


def expire(
    silent: list[uuid.UUID],
    seen: dict[str, tuple[int, float]],
    write: Callable[[Callable[[], int]], int],
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Counts the viewers of silent gateways as cut; returns how many those were.

    While the database takes no writes, no counter can move: a write of our own says whether it does.

    Args:
        silent: what `silent_gateways` gave.
        seen: see there.
        write: calls a function that writes, in a transaction; that to wait for the transaction counts as held up, too.
        clock: tells monotonic seconds.

    Raises:
        django.db.Error: the write failed. All gateways then have their whole time again.
    """
    began = clock()
    held_up = True
    try:
        write(lambda: Gateway.objects.filter(pk__in=silent).update(beats=F("beats")))
        held_up = clock() - began >= SLOW_WRITE
    finally:
        if held_up:
            seen.update({key: (beats, clock()) for key, (beats, _) in seen.items()})
    if held_up:
        return 0
    cut = write(lambda: _cut(silent))
    for gateway_id in silent:
        seen.pop(str(gateway_id), None)
    return cut


def _cut(silent: list[uuid.UUID]) -> int:
    watching = Viewer.objects.filter(gateway__in=silent, closed_at=None)
    cut = watching.update(closed_at=timezone.now(), ending=Viewer.Ending.CUT)
    Gateway.objects.filter(pk__in=silent).delete()
    return cut
