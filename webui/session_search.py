"""The sessions that the dashboard lists: found by state, type, owner, host and text, the newest first."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from remote_service.models import Session, SessionQuerySet, Viewer
from webui import words
from webui.forms.dashboard import LIVE, QUARANTINED, UNKNOWN, UNPROTECTED, is_state
from webui.session_cards import owner_words

_SECRETS = ("sealed_token", "sealed_script_state", "sealed_password", "stored_limits")
"""Columns that no list needs."""


@dataclass(frozen=True, slots=True)
class FoundSession:
    """One row of the list."""

    session: Session
    state: str
    owner: str
    age: str
    viewers: str
    ending: bool
    """Its end has been asked for, and it is not over yet."""
    why: str
    """How it ended; empty while it has not."""


def find_sessions(wanted: Mapping[str, str]) -> SessionQuerySet:
    """Those that fit everything that is said; see `forms.dashboard.SessionFilter`."""
    found = _in_state(Session.objects.defer(*_SECRETS).order_by("-created_at", "-id"), wanted["state"])
    if wanted["type"]:
        found = found.filter(type_name=wanted["type"])
    if wanted["owner"]:
        found = found.filter(username__icontains=wanted["owner"])
    if wanted["host"]:
        found = found.filter(host__icontains=wanted["host"])
    if text := wanted["text"].strip():
        in_words = Q(title__icontains=text) | Q(type_name__icontains=text) | Q(username__icontains=text)
        found = found.filter(in_words | Q(end_detail__icontains=text) | Q(id__startswith=text))
    return found


def _in_state(found: SessionQuerySet, state: str) -> SessionQuerySet:
    if state == LIVE:
        return found.live()
    if state == UNKNOWN:
        return found.live().exclude(unknown_since=None)
    if state == QUARANTINED:
        return found.filter(quarantined=True)
    if state == UNPROTECTED:
        return found.live().filter(unprotected=True)
    return found.filter(state=state) if is_state(state) else found


def list_found(sessions: Sequence[Session], now: datetime) -> list[FoundSession]:
    """The rows of one page; one query, for who looks."""
    watched = _viewers_of([session.pk for session in sessions])
    return [
        FoundSession(
            session=session,
            state=words.state_words(session.state),
            owner=owner_words(session),
            age=words.ago(session.created_at, now),
            viewers=words.viewers_words(watched.get(session.pk, 0)),
            ending=session.wanted == "stop" and not session.over,
            why=words.stored_words(session.ending) if session.over else "",
        )
        for session in sessions
    ]


def _viewers_of(sessions: list[uuid.UUID]) -> dict[uuid.UUID, int]:
    open_ones = Viewer.objects.filter(session__in=sessions, closed_at=None)
    return dict(open_ones.order_by().values_list("session_id").annotate(Count("pk")))
