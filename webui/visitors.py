"""Who makes a request, and which session it may be about."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from remote_service import access, guests
from remote_service.actors import Actor
from remote_service.models import Guest, Session

Looker = User | Guest
"""Who may be at a session's screen."""


def visitor(request: HttpRequest) -> User:
    """The user of a view that `login_required` guards."""
    assert isinstance(request.user, User)
    return request.user


def looker(request: HttpRequest, session_id: uuid.UUID) -> Looker | None:
    """The user who is logged in, or else the session's guest whose browser asks; None when it is neither."""
    if isinstance(request.user, User):
        return request.user
    return guests.guest_at(request.session.session_key, session_id)


def guests_too(view: Callable[[HttpRequest, Looker, uuid.UUID], HttpResponse]) -> Callable[..., HttpResponse]:
    """Does for a view of a session's what `login_required` does, but lets its guests in; the view is told who asks."""

    @wraps(view)
    def guarded(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
        who = looker(request, session_id)
        return redirect_to_login(request.get_full_path()) if who is None else view(request, who, session_id)

    return guarded


def actor(request: HttpRequest) -> Actor:
    """Who, from where, by which door; the server has already put a trusted proxy's client into REMOTE_ADDR."""
    return Actor(request.user.get_username(), request.META.get("REMOTE_ADDR") or "", "web")


def visible_session(request: HttpRequest, session_id: uuid.UUID) -> Session:
    """The session that a page is about.

    Raises:
        Http404: there is none, or it is none that who asks may see; the answer does not tell which.
    """
    return get_object_or_404(access.visible_sessions(visitor(request)), pk=session_id)


def watched_session(who: Looker, session_id: uuid.UUID) -> Session:
    """The session whose screen a page is about: also one that was shared with who asks.

    Raises:
        Http404: as `visible_session`.
    """
    found = get_object_or_404(Session, pk=session_id)
    if not access.may_view(who, found) and not access.may_watch(who, found):
        raise Http404
    return found


def is_staff(user: User) -> bool:
    """Whether the pages tell the user what only those who run the site can mend."""
    return user.is_staff or access.may_manage(user)


def way_back(request: HttpRequest, otherwise: str = "") -> str:
    """The page that a small form was on, as `next` says; for an address elsewhere `otherwise`, or the first page."""
    wanted = (request.POST if request.method == "POST" else request.GET).get("next", "")
    own = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if own else otherwise or reverse("picker")
