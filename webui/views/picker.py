"""The first page: the user's sessions, and the types that can be started."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from remote_service.errors import InvalidOptionError, RefusedError
from remote_service.models import Session, Site
from webui import launching, picker_fragments
from webui.csrf import with_token
from webui.deep_links import filled
from webui.live.fragments import assembled
from webui.live.pages import first_look
from webui.responses import SeeOther
from webui.type_cards import Refusal, TypeCard, list_types
from webui.visitors import actor, visitor
from webui.words import translated

MOST_NAMED = 200
"""Characters of the names of parameters that a link's remark repeats."""


@require_safe
@login_required
@never_cache
def picker(request: HttpRequest) -> HttpResponse:
    """The page."""
    return _page(request)


@require_POST
@login_required
@never_cache
def launch(request: HttpRequest) -> HttpResponse:
    """Starts a session and leads to its page; a refused one gets the picker again, with why and what was entered."""
    type_name, title = request.POST.get("type", ""), request.POST.get(launching.TITLE, "")
    entered = launching.entered_options(request.POST.dict())
    try:
        session = launching.launch(visitor(request), type_name, entered, actor(request), title)
    except RefusedError as refusal:
        return _refused(request, refusal, Refusal(type_name, "", entered, title=title))
    return SeeOther(reverse("session", args=[session.pk]))


@require_POST
@login_required
@never_cache
def again(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """Starts a session like an earlier one of the user's own; refused as a launch from a form is."""
    user = visitor(request)
    earlier = get_object_or_404(Session, pk=session_id, owner=user)
    try:
        session = launching.launch_again(earlier, user, actor(request))
    except RefusedError as refusal:
        entered = launching.options_again(earlier, user)
        return _refused(request, refusal, Refusal(earlier.type_name, "", entered, title=earlier.title))
    return SeeOther(reverse("session", args=[session.pk]))


@require_safe
@login_required
@never_cache
def launch_page(request: HttpRequest, type_name: str) -> HttpResponse:
    """The form of one type, filled in as the link says; it starts nothing."""
    user = visitor(request)
    cards = list_types(user, only=type_name)
    if not cards:
        raise Http404
    link = filled(cards[0].definition, request.GET.dict())
    entered = {**cards[0].entered, **link.entered}
    card = replace(cards[0], entered=entered, title=link.title, touched=bool(link.entered or link.title))
    fragments = picker_fragments.launch(user, {"type": type_name})
    if fragments is None:
        raise Http404
    shown = {**fragments, "card": picker_fragments.type_card(card)}
    context = {
        "live": first_look(user, "launch", fragments, type=type_name),
        "card": with_token(assembled(shown, "card"), request),
        "type_name": type_name,
        "left_out": ", ".join(link.left_out)[:MOST_NAMED],
    }
    return render(request, "webui/launch.html", context)


def _refused(request: HttpRequest, error: RefusedError, refusal: Refusal) -> HttpResponse:
    if isinstance(error, InvalidOptionError):
        beside = {name: translated(text) for name, text in error.fields.items()}
        title_error = beside.pop(launching.TITLE, "")
        refusal = replace(refusal, errors=beside, title_error=title_error)
    else:
        refusal = replace(refusal, message=translated(error.sentence))
    return _page(request, refusal, status=error.status)


def _page(request: HttpRequest, refusal: Refusal | None = None, status: int = 200) -> HttpResponse:
    user, site = visitor(request), Site.load()
    types = list_types(user, refusal, switched_on=site.external_sessions_enabled)
    fragments = picker_fragments.of_picker(user, types, site)
    context: dict[str, Any] = {
        "live": first_look(user, "picker", fragments),
        "types": with_token(assembled(fragments, "types"), request),
        "refusal": refusal,
        "refusal_message": _refusal_message(refusal, types),
    }
    return render(request, "webui/picker.html", context, status=status)


def _refusal_message(refusal: Refusal | None, types: tuple[TypeCard, ...]) -> str:
    """What stands on top of the page: the reason, or what no field of the page can show."""
    if refusal is None:
        return ""
    fields = {"size", *(field.name for card in types if card.errors for field in card.definition.form)}
    elsewhere = [sentence for name, sentence in refusal.errors.items() if name not in fields]
    marked = refusal.title_error or len(elsewhere) < len(refusal.errors)
    beside = [_("Please correct what is marked below.")] if marked else []
    return " ".join([refusal.message, *beside, *elsewhere]).strip()
