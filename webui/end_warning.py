"""What a viewer says shortly before a limit ends its session, and whether its user can put that off."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from remote_service import access, keeping
from remote_service.models import Session
from remote_service.states import EndReason, State
from webui.live.fragments import Fragments

MARK = "ending"
"""The element that says until when: a moment, so that the same state gives the same text."""


def is_near_its_end(session: Session) -> bool:
    """Whether a limit ends it soon."""
    return session.state == State.RUNNING and session.wanted != "stop" and bool(session.near_end and session.ends_at)


def end_mark(session: Session) -> Fragments:
    """The mark as a fragment; it changes with the end that is near."""
    until = session.ends_at.isoformat() if is_near_its_end(session) and session.ends_at else ""
    return {MARK: render_to_string("webui/_viewer_end.html", {"mark": MARK, "until": until}).strip()}


def end_warning(session: Session, user: access.Visitor, now: datetime) -> dict[str, Any] | None:
    """Seconds left, a sentence with `{}` in their place, and whether this user may keep it; None: no end is near."""
    if not is_near_its_end(session) or session.ends_at is None:
        return None
    keep = keeping.may_be_kept(session)
    return {
        "left": max(0.0, (session.ends_at - now).total_seconds()),
        "words": _sentence(session.near_end, keep=keep),
        "keep": keep and access.may_keep(user, session),
    }


def _sentence(reason: str, *, keep: bool) -> str:
    if reason == EndReason.IDLE:
        return _("Nobody has used keyboard or pointer for a while, so this session ends in {}.")
    if keep:
        return _("This session has run for nearly as long as it may, and ends in {}. Its time can be extended.")
    return _("This session has run for nearly as long as it may, and ends in {}. Save your work.")
