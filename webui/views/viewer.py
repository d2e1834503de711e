"""A session's page: its screen while it lives, what became of it when it is over."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from remote_service import access, session_logs
from remote_service.models import Session, Site
from webui import words
from webui.details_fragments import SESSION
from webui.end_warning import end_mark
from webui.live.pages import first_look
from webui.phases import phases
from webui.session_cards import owner_words
from webui.session_details import details
from webui.viewer_texts import viewer_reasons, viewer_texts
from webui.visitors import visible_session, visitor

FUNCTION_KEYS = tuple(f"F{number}" for number in range(1, 13))
"""As `KeyboardEvent.code` names them, which is how keyboards do."""


@require_safe
@login_required
@never_cache
def session(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """The page; a GET starts nothing, the websocket that the page opens does."""
    found = visible_session(request, session_id)
    return _over(request, found) if found.over else _live(request, found)


def _live(request: HttpRequest, found: Session) -> HttpResponse:
    user = visitor(request)
    page = reverse("session", args=[found.pk])
    policy = access.viewer_policy(user, found)
    context = {
        "session": found,
        "live": first_look(user, "viewer", end_mark(found), **{SESSION: str(found.pk)}),
        "state": words.state_words(found.state),
        "phases": phases(found),
        "websocket": f"{page}websockify",
        "control": not policy.view_only,
        "policy": policy,
        "clipboard_in": not (policy.view_only or policy.no_clipboard_in),
        "may_stop": access.may_stop(user, found),
        "owner": "" if found.owner_id == user.pk else owner_words(found),
        "leaving": words.leaving_words(found.on_last_disconnect, found.limits.linger),
        "texts": viewer_texts(),
        "reasons": viewer_reasons(),
        "function_keys": FUNCTION_KEYS,
    }
    return render(request, "webui/session.html", context)


def _over(request: HttpRequest, found: Session) -> HttpResponse:
    now = timezone.now()
    context = {
        "session": found,
        "state": words.state_words(found.state),
        "log": session_logs.tail(found.pk),
        "log_lines": session_logs.TAIL_LINES,
        "again": _again(visitor(request), found),
        "details": details(found, visitor(request), now),
    }
    return render(request, "webui/session_over.html", context)


def _again(user: User, found: Session) -> bool:
    """Whether the user may start another such session."""
    if found.owner_id != user.pk or not Site.load().external_sessions_enabled:
        return False
    return any(row.name == found.type_name for row in access.usable_types(user))
