"""A session's details: what it is, what happened to it, who looks, and its log as it is written."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from remote_service import access
from remote_service.log_parts import read_part
from webui.details_fragments import SESSION, of_session
from webui.forms.shares import ShareForm
from webui.live.pages import first_look
from webui.log_texts import log_texts
from webui.visitors import visible_session, visitor

_MOST_DIGITS = 18
"""Of a place in a log."""


@require_safe
@login_required
@never_cache
def page(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """The page."""
    found = visible_session(request, session_id)
    user = visitor(request)
    context = {
        "session": found,
        "live": first_look(user, "details", of_session(user, found), **{SESSION: str(found.pk)}),
        "may_stop": not found.over and access.may_stop(user, found),
        "share_form": ShareForm(session=found, owner=user) if access.may_share(user, found) else None,
        "part": read_part(found.pk, finished=found.over),
        "log_texts": log_texts(),
    }
    return render(request, "webui/details.html", context)


@require_safe
@login_required
@never_cache
def log_part(request: HttpRequest, session_id: uuid.UUID) -> JsonResponse:
    """What was written to the log behind `after`, a number that an earlier answer gave as `next`."""
    found = visible_session(request, session_id)
    after = request.GET.get("after", "")
    # Whether it is over was read before the log: what its end wrote is not missed.
    part = read_part(
        found.pk, int(after) if after.isdecimal() and len(after) <= _MOST_DIGITS else None, finished=found.over
    )
    return JsonResponse({"text": part.text, "next": part.next, "skipped": part.skipped, "over": found.over})
