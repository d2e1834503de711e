"""The one writer of a session's state: a conditional update and an event row in one transaction."""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from remote_service import audit, details
from remote_service.actors import Actor
from remote_service.hosting.whereabouts import Whereabouts
from remote_service.models import MOST_REASON, Session, SessionEvent, event_fields
from remote_service.nudges import nudge_gateways, nudge_supervisor
from remote_service.states import ENDINGS, FINAL, EndReason, Event, State, next_state
from remote_service.texts import in_one_line

log = logging.getLogger(__name__)

MOST_PROGRESS = 200
"""Characters of a line about a session's progress."""

SAME_WITHIN = timedelta(minutes=1)
SAME_AMONG = 50
"""Events, the latest, among which the same is looked for."""
MOST_REFUSALS = 20
"""Of one name at one address within `SAME_WITHIN`."""

SUPERVISOR = Actor("", "", "supervisor")


def transition(
    session_id: uuid.UUID,
    state: State,
    event: Event,
    *,
    why: str = "",
    by: Actor = SUPERVISOR,
    **changes: Any,
) -> bool:
    """Moves a session, if it still is in `state`.

    Args:
        session_id: which one.
        state: the state that the caller saw.
        event: what happens to it.
        why: a sentence for the history.
        by: who does it.
        changes: further columns to write in the same update.

    Returns:
        Whether it was moved. False means that somebody else was first, and nothing was written.

    Raises:
        IllegalTransitionError: the table has no such transition.
    """
    to = next_state(state, event)
    now = timezone.now()
    if to in FINAL:
        changes |= {"ended_at": now, "sealed_token": "", "sealed_password": "", "sealed_script_state": "", "wanted": ""}
    if to is State.RUNNING:
        changes |= {"running_at": now}
    with transaction.atomic():
        won = Session.objects.filter(pk=session_id, state=state).update(state=to, state_since=now, **changes)
        if not won:
            return False
        type_name = Session.objects.values_list("type_name", flat=True).get(pk=session_id)
        told = event_fields(why=why, who=by.name, address=by.address, door=by.door, type_name=type_name)
        moved = {"from_state": state, "to_state": to}
        audit.tell(SessionEvent.objects.create(session_id=session_id, at=now, what=event, **moved, **told))
        transaction.on_commit(lambda: nudge_gateways(session_id))
    because = f" ({in_one_line(why)})" if why else ""
    log.log(
        logging.WARNING if to is State.FAILED else logging.INFO,
        "session %s: %s -> %s%s",
        session_id,
        state,
        to,
        because,
    )
    return True


def ask_to_start(session_id: uuid.UUID, by: Actor) -> bool:
    """Asks for the start of a reserved session; False when it has been asked for, or is over."""
    asked = Session.objects.filter(pk=session_id, state=State.RESERVED, wanted="").update(wanted="start")
    if asked:
        note(session_id, "start asked", by=by)
        nudge_supervisor()
    return bool(asked)


def ask_to_stop(
    session_id: uuid.UUID, reason: EndReason, by: Actor, detail: str = "", *, declared: bool = False
) -> bool:
    """Asks for the end of a live session, in whatever state it is.

    Args:
        session_id: which one.
        reason: why.
        by: who asks.
        detail: a sentence for the session's owner.
        declared: staff says that it has ended, which history tells from a stop, and which counts after one, too.

    Returns:
        False when that has been asked for before, or the session is over.
    """
    asked_before = Q(wanted="stop", wanted_reason=reason) if declared else Q(wanted="stop")
    live = Session.objects.live().filter(pk=session_id).exclude(asked_before)
    asked = live.update(wanted="stop", wanted_reason=reason, wanted_detail=detail)
    if asked:
        if declared:
            note(session_id, "declared ended", why=detail, by=by)
        else:
            note(session_id, "stop asked", why=f"{ENDINGS[reason].sentence} {detail}".strip(), by=by)
        nudge_supervisor()
        nudge_gateways(session_id)
    return bool(asked)


def give_back(session_id: uuid.UUID, reason: EndReason, by: Actor) -> bool:
    """Ends a session of which nothing was started, at once; False when it has come further than that."""
    return transition(
        session_id, State.RESERVED, Event.DROP, why=ENDINGS[reason].sentence, by=by, end_reason=reason, end_detail=""
    )


def remember(session_id: uuid.UUID, progress: str, script_state: str, programs: list[list[Any]]) -> None:
    """Keeps what a live session's script says of its progress, and what a successor of its process needs.

    Args:
        session_id: which one.
        progress: a line for its user.
        script_state: what the script saved, sealed.
        programs: what it spawned, see `hosting.programs`.
    """
    live = Session.objects.live().filter(pk=session_id)
    if live.update(progress=progress[:MOST_PROGRESS], sealed_script_state=script_state, programs=programs):
        nudge_gateways(session_id)


def locate(session_id: uuid.UUID, where: Whereabouts) -> None:
    """Keeps where the runner of a live session is."""
    if Session.objects.live().filter(pk=session_id).update(**where.as_columns()):
        nudge_gateways(session_id)


def doubt(session_id: uuid.UUID, why: str) -> None:
    """Keeps why nobody can tell at the moment whether a live session lives; empty when somebody can.

    The moment since which that is so stays while it is so.
    """
    live = Session.objects.live().filter(pk=session_id)
    was_unknown = live.exclude(unknown_since=None).exists()
    since = Coalesce("unknown_since", Now()) if why else None
    if not live.update(unknown_since=since, unknown_reason=why[:MOST_REASON]):
        return
    if why and not was_unknown:
        log.warning("session %s: nobody can tell whether it lives: %s", session_id, why)
        _note_once(session_id, "unknown", why, SUPERVISOR)
    elif was_unknown and not why:
        _note_once(session_id, "known again", "", SUPERVISOR)
    nudge_gateways(session_id)


def note(session_id: uuid.UUID | None, what: str, *, why: str = "", by: Actor, type_name: str = "") -> None:
    """Writes an event that moves nothing: a refusal, a request, a remark."""
    if session_id is not None and not type_name:
        type_name = Session.objects.values_list("type_name", flat=True).filter(pk=session_id).first() or ""
    told = event_fields(why=why, who=by.name, address=by.address, door=by.door, type_name=type_name)
    audit.tell(SessionEvent.objects.create(session_id=session_id, what=what, **told))


def note_refusal(
    session_id: uuid.UUID | None, why: str, by: Actor, *, what: str = "refused", type_name: str = ""
) -> None:
    """Writes that somebody was refused; the same again from the same address within a minute is no further event.

    Who asks without end must neither fill the database nor push a session's history off its page: of one name at one
    address so many refusals are written in a minute, and no more, however different they are.
    """
    since = timezone.now() - SAME_WITHIN
    mine = SessionEvent.objects.filter(what=what, at__gt=since, **event_fields(who=by.name, address=by.address))
    if mine.count() < MOST_REFUSALS:
        _note_once(session_id, what, why, by, type_name)


def _note_once(session_id: uuid.UUID | None, what: str, why: str, by: Actor, type_name: str = "") -> None:
    asked = event_fields(why=why, who=by.name, address=by.address, door=by.door)
    latest = SessionEvent.objects.order_by("-pk").values_list("session_id", "what", *asked, "at")
    since = timezone.now() - SAME_WITHIN
    same = (session_id, what, *asked.values())
    if not any(event[:-1] == same and event[-1] > since for event in latest[:SAME_AMONG]):
        note(session_id, what, why=why, by=by, type_name=type_name)


def note_failed_stop(session_id: uuid.UUID) -> None:
    """Writes that the script's `stop` failed: what it was to end elsewhere may go on, and somebody should look."""
    note(session_id, "stop failed", why=details.STOP_FAILED, by=SUPERVISOR)
    log.warning("session %s: %s", session_id, details.STOP_FAILED)


def quarantine(session_id: uuid.UUID, why: str) -> None:
    """Keeps the slot of a session that is ending from everybody until staff releases it."""
    with transaction.atomic():
        Session.objects.filter(pk=session_id).update(quarantined=True)
        note(session_id, "quarantined", why=why, by=SUPERVISOR)
    log.error("session %s: its slot is in quarantine: %s; release it on the dashboard", session_id, why)


def release_quarantine(session_id: uuid.UUID, by: Actor) -> bool:
    """Gives the slot back; False when it was not in quarantine."""
    released = Session.objects.filter(pk=session_id, quarantined=True).update(quarantined=False)
    if released:
        note(session_id, "released from quarantine", by=by)
        nudge_gateways(session_id)
    return bool(released)
