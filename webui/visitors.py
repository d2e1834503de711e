"""Who makes a request, and which session it may be about."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from remote_service import access
from remote_service.actors import Actor
from remote_service.models import Session


def visitor(request: HttpRequest) -> User:
    """The user of a view that `login_required` guards."""
    assert isinstance(request.user, User)
    return request.user


def actor(request: HttpRequest) -> Actor:
    """Who, from where, by which door; the server has already put a trusted proxy's client into REMOTE_ADDR."""
    return Actor(visitor(request).get_username(), request.META.get("REMOTE_ADDR") or "", "web")


def visible_session(request: HttpRequest, session_id: uuid.UUID) -> Session:
    """The session that a page is about.

    Raises:
        Http404: there is none, or it is none that who asks may see; the answer does not tell which.
    """
    return get_object_or_404(access.visible_sessions(visitor(request)), pk=session_id)


def watched_session(request: HttpRequest, session_id: uuid.UUID) -> Session:
    """The session whose screen a page is about: also one that was shared with who asks.

    Raises:
        Http404: as `visible_session`.
    """
    found = get_object_or_404(Session, pk=session_id)
    user = visitor(request)
    if not access.may_view(user, found) and not access.may_watch(user, found):
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
