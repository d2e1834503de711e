"""A session's details: what it is, what happened to it, who looks, and its log as it is written."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh

from remote_service.log_parts import read_part
from remote_service.models import Session
from webui.log_texts import log_texts
from webui.session_details import details
from webui.visitors import visible_session, visitor


@require_safe
@login_required
@never_cache
def page(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """The page."""
    found = visible_session(request, session_id)
    part = read_part(found.pk, finished=found.over)
    context = {**_changing(request, found), "part": part, "log_texts": log_texts()}
    return render(request, "webui/details.html", context)


@require_safe
@never_cache
def changes(request: HttpRequest, session_id: uuid.UUID) -> HttpResponseBase:
    """What of the page changes by itself; 204 when it is as `seen` says that the page has it."""
    if not request.user.is_authenticated:
        to = reverse("session-details", args=[session_id])
        return HttpResponseClientRefresh() if request.headers.get("HX-Request") else redirect_to_login(to)
    context = _changing(request, visible_session(request, session_id))
    if context["digest"] == request.GET.get("seen"):
        return HttpResponse(status=204)
    return render(request, "webui/_details_poll.html", context)


@require_safe
@login_required
@never_cache
def log_part(request: HttpRequest, session_id: uuid.UUID) -> JsonResponse:
    """What was written to the log behind `after`, a number that an earlier answer gave as `next`."""
    found = visible_session(request, session_id)
    after = request.GET.get("after", "")
    # Whether it is over was read before the log: what its end wrote is not missed.
    part = read_part(found.pk, int(after) if after.isdecimal() else None, finished=found.over)
    return JsonResponse({"text": part.text, "next": part.next, "skipped": part.skipped, "over": found.over})


def _changing(request: HttpRequest, found: Session) -> dict[str, Any]:
    """The part of the page that is polled, rendered, with a digest to tell whether it changed."""
    context = {"details": details(found, visitor(request), timezone.now()), "session": found}
    parts = render_to_string("webui/_details_parts.html", context, request)
    return {**context, "parts": parts, "digest": hashlib.sha256(parts.encode()).hexdigest()[:16]}
