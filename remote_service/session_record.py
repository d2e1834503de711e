"""What is known of a session, as data that may be shown to staff: no secret is in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Count, Q

from remote_service.guests import called
from remote_service.masking import without_secrets
from remote_service.models import Session, SessionEvent, Viewer


def listed(
    *, states: Sequence[str] = (), user: str = "", type_name: str = "", over: bool = False
) -> Iterator[dict[str, Any]]:
    """The sessions that are meant in few words each, the newest first.

    Args:
        states: in one of these; in any when empty.
        user: the name of their owner; anybody's when empty.
        type_name: of this type; of any when empty.
        over: those that are over as well; else live ones, and those whose slot is in quarantine. Where states are
            given, they say it.
    """
    found = Session.objects.all() if over or states else Session.objects.holding_slots()
    if states:
        found = found.filter(state__in=states)
    if user:
        found = found.filter(username=user)
    if type_name:
        found = found.filter(type_name=type_name)
    counted = found.annotate(looking=Count("viewers", filter=Q(viewers__closed_at=None)))
    for session in counted.order_by("-created_at").iterator(chunk_size=500):
        yield _summary(session, vars(session)["looking"])


def _summary(session: Session, viewers: int) -> dict[str, Any]:
    return {
        "id": session.pk,
        "reference": session.reference,
        "state": session.state,
        "since": session.state_since,
        "user": session.username,
        "type": session.type_name,
        "title": session.title,
        "slot": session.index,
        "host": session.host,
        "viewers": viewers,
        "unknown_since": session.unknown_since,
        "unknown_reason": session.unknown_reason,
        "quarantined": session.quarantined,
        "wanted": session.wanted,
        "end_reason": session.end_reason,
        "ending": session.ending,
    }


def record(session: Session) -> dict[str, Any]:
    """All of its row that may be shown."""
    return {
        **_summary(session, session.viewers.filter(closed_at=None).count()),
        "wall": session.wall,
        "tile": session.tile,
        "door": session.door,
        "options": without_secrets(session.options, set()),
        "limits": session.stored_limits,
        "viewer_policy": session.stored_viewer_policy,
        "on_last_disconnect": session.on_last_disconnect,
        "extension": session.extension,
        "endpoint": str(session.endpoint or ""),
        "stream": session.stream,
        "unprotected": session.unprotected,
        "progress": session.progress,
        "created_at": session.created_at,
        "running_at": session.running_at,
        "last_input_at": session.last_input_at,
        "near_end": session.near_end,
        "ends_at": session.ends_at,
        "ended_at": session.ended_at,
    }


def viewers(session: Session) -> list[dict[str, Any]]:
    """Who looked at it, in the order in which they came."""
    return [_viewer(found) for found in session.viewers.select_related("user", "guest").order_by("opened_at", "pk")]


def _viewer(viewer: Viewer) -> dict[str, Any]:
    who = str(called(viewer.guest)) if viewer.guest else viewer.user.get_username() if viewer.user else ""
    return {
        "who": who,
        "address": viewer.address,
        "opened_at": viewer.opened_at,
        "closed_at": viewer.closed_at,
        "ending": viewer.ending,
        "close_code": viewer.close_code,
        "bytes_down": viewer.bytes_down,
        "bytes_up": viewer.bytes_up,
    }


def history(session: Session) -> list[dict[str, Any]]:
    """Everything that happened to it, the oldest first."""
    return [happening(event) for event in session.events.all()]


def happening(event: SessionEvent) -> dict[str, Any]:
    """An event: what, when, why, by whom, from where."""
    return {
        "at": event.at,
        "what": event.what,
        "from": event.from_state,
        "to": event.to_state,
        "why": event.why,
        "who": event.who,
        "address": event.address,
        "door": event.door,
    }


def quarantined() -> list[dict[str, Any]]:
    """The slots that are in quarantine: whose they were, since when, and why."""
    kept = list(Session.objects.filter(quarantined=True))
    told = SessionEvent.objects.filter(session__in=kept, what="quarantined").order_by("at", "id")
    last = {event.session_id: event for event in told}
    return [_kept(session, last.get(session.pk)) for session in kept]


def _kept(session: Session, told: SessionEvent | None) -> dict[str, Any]:
    return {
        "id": session.pk,
        "reference": session.reference,
        "type": session.type_name,
        "slot": session.index,
        "state": session.state,
        "user": session.username,
        "since": told.at if told else session.state_since,
        "why": told.why if told else "",
    }
