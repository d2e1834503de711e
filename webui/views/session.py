"""What a session's pages ask for and do: its state, its end, its log."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from remote_service import access, keeping, lifecycle, session_logs
from remote_service.states import EndReason
from webui import words
from webui.end_warning import end_warning
from webui.phases import phases
from webui.responses import SeeOther
from webui.visitors import Looker, actor, guests_too, visible_session, visitor, watched_session


@require_safe
@guests_too
@never_cache
def status(request: HttpRequest, who: Looker, session_id: uuid.UUID) -> JsonResponse:
    """How far the session has come, for the viewer while it shows no screen."""
    found = watched_session(who, session_id)
    return JsonResponse(
        {
            "state": found.state,
            "words": words.state_words(found.state),
            "progress": found.progress,
            "phases": [{"key": phase.key, "status": phase.status} for phase in phases(found)],
            "over": found.over,
            "watch": access.may_watch(who, found),
            "ending": words.stored_words(found.ending),
            "end": end_warning(found, who, timezone.now()),
        }
    )


@require_POST
@login_required
def keep(request: HttpRequest, session_id: uuid.UUID) -> JsonResponse:
    """Puts off the end that a limit brings soon; 403 for who may see the session and no more."""
    user = visitor(request)
    found = watched_session(user, session_id)
    if not access.may_keep(user, found):
        raise PermissionDenied
    return JsonResponse({"kept": keeping.keep(found, actor(request))})


@require_POST
@login_required
def stop(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """Asks for the session's end, and leads back to the picker; 403 for who may see it and no more."""
    found = visible_session(request, session_id)
    if not access.may_stop(visitor(request), found):
        raise PermissionDenied
    reason = EndReason.USER if found.owner_id == request.user.pk else EndReason.STAFF
    asked = lifecycle.ask_to_stop(found.pk, reason, actor(request))
    sentence = _("“%(name)s” is being ended.") if asked else _("“%(name)s” was ending already.")
    messages.success(request, sentence % {"name": found.type_name})
    return SeeOther(reverse("picker"))


@require_safe
@login_required
@never_cache
def log(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """The session's log as a text file, without what could act on a terminal; 404 when there is none."""
    found = visible_session(request, session_id)
    text = session_logs.whole(found.pk)
    if text is None:
        raise Http404
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="session-{found.reference}.log"'
    return response
