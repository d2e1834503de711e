"""A session's page: its screen while it lives, what became of it when it is over."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from remote_service import access, session_logs, sharing
from remote_service.models import Guest, Session, Site
from webui import share_fragments, words
from webui.forms.shares import ShareForm, WatchForm
from webui.live.pages import first_look
from webui.phases import phases
from webui.responses import SeeOther
from webui.session_cards import owner_words
from webui.session_details import details
from webui.viewer_texts import viewer_reasons, viewer_texts
from webui.visitors import Looker, actor, guests_too, visible_session, visitor, watched_session

FUNCTION_KEYS = tuple(f"F{number}" for number in range(1, 13))
"""As `KeyboardEvent.code` names them, which is how keyboards do."""


@require_safe
@guests_too
@never_cache
def session(request: HttpRequest, who: Looker, session_id: uuid.UUID) -> HttpResponse:
    """The page; a GET starts nothing, the websocket that the page opens does."""
    found = watched_session(who, session_id)
    if found.over:
        return _over(request, found)
    if access.must_say_why(who, found):
        return _ask_why(request, found, WatchForm())
    return _live(request, who, found)


@require_POST
@login_required
@never_cache
def watch(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """Takes why one of the staff looks at somebody's session, and leads to it."""
    found = visible_session(request, session_id)
    if access.must_say_why(visitor(request), found):
        form = WatchForm(request.POST)
        if not form.is_valid():
            return _ask_why(request, found, form)
        sharing.say_why(found, visitor(request), form.cleaned_data["reason"], actor(request))
    return SeeOther(reverse("session", args=[found.pk]))


def _ask_why(request: HttpRequest, found: Session, form: WatchForm) -> HttpResponse:
    control = access.types_as_staff(visitor(request), found)
    context = {"session": found, "owner": owner_words(found), "control": control, "form": form}
    return render(request, "webui/watch.html", context, status=400 if form.is_bound else 200)


def _live(request: HttpRequest, user: Looker, found: Session) -> HttpResponse:
    guest = isinstance(user, Guest)
    page = reverse("session", args=[found.pk])
    policy = access.viewer_policy(user, found)
    if policy is None:
        raise Http404
    context = {
        "session": found,
        "live": first_look(
            user, "viewer", share_fragments.of_viewer(user, found), **{share_fragments.SESSION: str(found.pk)}
        ),
        "state": words.state_words(found.state),
        "phases": phases(found),
        "websocket": f"{page}websockify",
        "control": not policy.view_only,
        "policy": policy,
        "clipboard_in": not (policy.view_only or policy.no_clipboard_in),
        "may_stop": access.may_stop(user, found),
        "may_view": access.may_view(user, found),
        "share_form": _share_form(user, found),
        "owner": "" if found.owner_id == user.pk else owner_words(found),
        "leaving": words.leaving_words(found.on_last_disconnect, found.limits.linger),
        "guest": guest,
        "home": reverse("share") if guest else reverse("picker"),
        "texts": viewer_texts(guest=guest),
        "reasons": viewer_reasons(),
        "function_keys": FUNCTION_KEYS,
    }
    return render(request, "webui/session.html", context)


def _share_form(user: Looker, found: Session) -> ShareForm | None:
    if isinstance(user, User) and access.may_share(user, found):
        return ShareForm(session=found, owner=user)
    return None


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
