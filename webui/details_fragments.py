"""The page of a session's details as a fragment: all of it but the log, which has a way of its own."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.utils import timezone

from remote_service import access
from remote_service.models import Session
from webui import share_fragments
from webui.live.fragments import Fragments
from webui.session_details import details

SESSION = "session"
"""The parameter of the page's address that names the session."""


def details_page(user: User, parameters: Mapping[str, str]) -> Fragments | None:
    """The page; None when there is no such session, or none that the user may see."""
    found = named_session(user, parameters)
    return None if found is None else of_session(user, found)


def named_session(user: User, parameters: Mapping[str, str]) -> Session | None:
    """The session that a page's address names; None when there is no such one, or none that the user may see."""
    try:
        wanted = uuid.UUID(parameters.get(SESSION, ""))
    except ValueError:
        return None
    return access.visible_sessions(user).filter(pk=wanted).first()


def of_session(user: User, session: Session) -> Fragments:
    """The page of a session that the user may see."""
    context = {
        "details": details(session, user, timezone.now()),
        "session": session,
        "may_share": access.may_share(user, session),
    }
    return {"details": render_to_string("webui/_details.html", context), **share_fragments.of_shares(user, session)}
