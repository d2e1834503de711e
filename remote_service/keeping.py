"""The end that a limit brings: its users are warned of it a little before, and may put it off."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.utils import timezone

from remote_service.actors import Actor
from remote_service.lifecycle import SUPERVISOR, note
from remote_service.models import Session
from remote_service.nudges import nudge_gateways, nudge_supervisor
from remote_service.states import ENDINGS, EndReason, State

_CALM = {"near_end": "", "ends_at": None}


def warn(session_id: uuid.UUID, reason: EndReason | None, left: float) -> None:
    """Writes which limit ends a running session soon, for its pages; None when none does any more.

    Args:
        session_id: which one.
        reason: the limit.
        left: seconds until then.
    """
    at = timezone.now() + timedelta(seconds=left)
    told = _CALM if reason is None else {"near_end": reason, "ends_at": at}
    if not Session.objects.filter(pk=session_id, state=State.RUNNING).update(**told):
        return
    if reason is not None:
        note(session_id, "end near", why=f"In {left:.0f} s: {ENDINGS[reason].sentence}", by=SUPERVISOR)
    nudge_gateways(session_id)


def may_be_kept(session: Session) -> bool:
    """Whether who controls the session can put the end off that it is near to."""
    return session.near_end == EndReason.IDLE or (session.near_end == EndReason.LIFETIME and _extended(session) > 0)


def keep(session: Session, by: Actor) -> bool:
    """Puts off the end that a session is near to: it counts as used now, or its longest time is extended.

    Returns:
        False when there is none, or it cannot be put off (any more).
    """
    if not may_be_kept(session):
        return False
    now = timezone.now()
    still = Session.objects.filter(pk=session.pk, state=State.RUNNING, near_end=session.near_end).exclude(wanted="stop")
    if session.near_end == EndReason.IDLE:
        done, why = still.update(**_CALM, last_input_at=now), "It counts as used now."
    else:
        more = _extended(session)
        # Of two who press at the same moment, one extends it.
        still = still.filter(extension=session.extension)
        done, why = still.update(**_CALM, extension=session.extension + more), f"It may run {more:g} s longer."
    if done:
        note(session.pk, "kept", why=why, by=by)
        nudge_supervisor()
        nudge_gateways(session.pk)
    return bool(done)


def _extended(session: Session) -> float:
    """Seconds that its longest time would become longer: by as much again, as far as its type lets it."""
    limits = session.limits
    if limits.max_lifetime is None or limits.most_lifetime is None:
        return 0.0
    return min(limits.max_lifetime, limits.most_lifetime - limits.max_lifetime - session.extension)
