"""The first page: the user's sessions, and the types that can be started."""

from __future__ import annotations

import hashlib
import shlex
from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from remote_service import conf
from remote_service.errors import InvalidOptionError, RefusedError
from remote_service.models import Site
from sessions_config.environment import Environment
from webui import launching
from webui.responses import SeeOther
from webui.session_cards import list_sessions
from webui.type_cards import Refusal, TypeCard, list_types
from webui.visitors import actor, is_staff, visitor


@require_safe
@login_required
@never_cache
def picker(request: HttpRequest) -> HttpResponse:
    """The page."""
    return _page(request)


@require_POST
@login_required
def launch(request: HttpRequest) -> HttpResponse:
    """Starts a session and leads to its page; a refused one gets the picker again, with why and what was entered."""
    type_name = request.POST.get("type", "")
    entered = launching.entered_options(request.POST.dict())
    try:
        session = launching.launch(visitor(request), type_name, entered, actor(request))
    except InvalidOptionError as refusal:
        return _page(request, Refusal(type_name, "", entered, refusal.fields), status=refusal.status)
    except RefusedError as refusal:
        return _page(request, Refusal(type_name, str(refusal), entered), status=refusal.status)
    return SeeOther(reverse("session", args=[session.pk]))


@require_safe
@never_cache
def sessions_fragment(request: HttpRequest) -> HttpResponseBase:
    """What of the page changes by itself; 204 when it is as `seen` says that the page has it."""
    if not request.user.is_authenticated:
        return (
            HttpResponseClientRefresh() if request.headers.get("HX-Request") else redirect_to_login(reverse("picker"))
        )
    context = _changing(request, list_types(visitor(request)))
    if context["digest"] == request.GET.get("seen"):
        return HttpResponse(status=204)
    return render(request, "webui/_changes.html", context)


def _page(request: HttpRequest, refusal: Refusal | None = None, status: int = 200) -> HttpResponse:
    site = Site.load()
    types = list_types(visitor(request), refusal)
    context = {
        **_changing(request, types),
        "types": types,
        "refusal": refusal,
        "refusal_message": _refusal_message(refusal, types),
        "switched_off": not site.external_sessions_enabled,
        "for_staff": is_staff(visitor(request)),
        "problems": len(site.problems),
        "loaded_at": site.loaded_at,
        "sessions_file": _named_sessions_file(),
    }
    return render(request, "webui/picker.html", context, status=status)


def _named_sessions_file() -> str:
    """What a command must be told of the sessions file, as a shell reads it: nothing when it is the default one."""
    path = conf.current().sessions_file
    return "" if path == Environment.model_fields["sessions_file"].default else shlex.quote(str(path))


def _changing(request: HttpRequest, types: tuple[TypeCard, ...]) -> dict[str, Any]:
    """The part of the page that is polled, rendered, with a digest to tell whether it changed."""
    listing = list_sessions(visitor(request), timezone.now())
    sessions = render_to_string("webui/_sessions.html", {"listing": listing}, request)
    slots = [(card.row.pk, card.slots, card.free) for card in types]
    digest = hashlib.sha256(f"{sessions}{slots}".encode()).hexdigest()[:16]
    return {"sessions": sessions, "types": types, "digest": digest}


def _refusal_message(refusal: Refusal | None, types: tuple[TypeCard, ...]) -> str:
    """What stands on top of the page: the reason, or what no field of the page can show."""
    if refusal is None:
        return ""
    marked = [card.form.first_fault for card in types if card.form.first_fault]
    shown = {"size", *(one.field.name for card in types for one in card.form.fields if one.error)}
    elsewhere = [sentence for name, sentence in refusal.errors.items() if name not in shown]
    beside = [_("Please correct what is marked below.")] if marked else []
    return " ".join([refusal.message, *beside, *elsewhere]).strip()
