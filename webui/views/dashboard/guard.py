"""Whom the dashboard is for: those who may manage any session. For all others it is not there."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from remote_service import access
from remote_service.actors import Actor
from webui.responses import SeeOther
from webui.visitors import visitor

View = Callable[..., HttpResponse]

DOOR = "dashboard"
"""Its name in events."""


def staff_only(view: View) -> View:
    """Leads who is not logged in to the login, and answers 404 to who may not manage sessions."""

    @login_required
    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not access.may_manage(visitor(request)):
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def staff_actor(request: HttpRequest) -> Actor:
    """Who acts, for the event."""
    return Actor(visitor(request).get_username(), request.META.get("REMOTE_ADDR") or "", DOOR)


def done(request: HttpRequest, address: str, sentence: str, *, well: bool = True) -> HttpResponse:
    """Leads back with a message: what was done, or (not `well`) why nothing was."""
    (messages.success if well else messages.warning)(request, sentence)
    return SeeOther(address)
