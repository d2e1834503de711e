"""All sessions of the site, with filters, and their end by staff."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from remote_service import lifecycle, staff
from remote_service.models import Session
from webui import dashboard_fragments as fragments
from webui.forms.dashboard import ReasonForm, SessionFilter
from webui.session_cards import owner_words
from webui.views.dashboard.guard import done, staff_actor, staff_only
from webui.views.dashboard.live_page import live_page
from webui.visitors import way_back


@require_safe
@staff_only
def sessions(request: HttpRequest) -> HttpResponse:
    """The list, with its filters."""
    asked = {name: request.GET[name] for name in SessionFilter.base_fields if name in request.GET}
    number = {fragments.NUMBER: request.GET["page"]} if "page" in request.GET else {}
    form = SessionFilter(asked or {"state": "live"})
    return live_page(request, "sessions", fragments.sessions, {**asked, **number}, form=form)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_only
def stop(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """Asks for a reason, which its owner sees, and then for the end; also of a session of which nothing is known."""
    found = get_object_or_404(Session, pk=session_id)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    back = way_back(request, reverse("dashboard-sessions"))
    if form.is_valid():
        if staff.stop_session(found.pk, form.cleaned_data["reason"], staff_actor(request)):
            return done(request, back, _("“%(name)s” is being ended.") % {"name": found.name})
        return done(request, back, _("“%(name)s” was ending already, or is over.") % {"name": found.name}, well=False)
    context = {"section": "sessions", "form": form, "session": found, "owner": owner_words(found), "back": back}
    return render(request, "webui/dashboard/stop.html", context, status=400 if form.is_bound else 200)


@require_POST
@staff_only
def release(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """Gives a slot in quarantine back."""
    found = get_object_or_404(Session, pk=session_id)
    back = way_back(request, reverse("dashboard-slots"))
    slot = {"name": found.type_name, "index": found.index}
    if lifecycle.release_quarantine(found.pk, staff_actor(request)):
        return done(request, back, _("Slot %(index)d of “%(name)s” is out of quarantine.") % slot)
    return done(request, back, _("Slot %(index)d of “%(name)s” was not in quarantine.") % slot, well=False)
