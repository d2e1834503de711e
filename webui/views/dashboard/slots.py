"""Slots of each type, those in quarantine, and drains of types and hosts."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from remote_service import staff
from remote_service.models import Drain
from webui import dashboard_fragments as fragments
from webui.forms.dashboard import DrainForm, hosts_of_types
from webui.views.dashboard.guard import done, staff_actor, staff_only
from webui.views.dashboard.live_page import live_page


@require_safe
@staff_only
def slots(request: HttpRequest) -> HttpResponse:
    """The table, and below it what keeps slots from users."""
    return live_page(request, "slots", fragments.slots)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_only
def drain(request: HttpRequest) -> HttpResponse:
    """Asks which type or host, and for the text that users see; then keeps new sessions from it."""
    if request.method == "POST":
        form = DrainForm(request.POST)
        if form.is_valid():
            made = form.cleaned_data
            staff.drain(Drain.Kind(made["kind"]), made["name"], made["text"], staff_actor(request))
            sentence = _("“%(name)s” takes no new sessions now. Those that run go on.") % made
            return done(request, reverse("dashboard-slots"), sentence)
    else:
        form = DrainForm(initial={name: request.GET.get(name, "")[:255] for name in ("kind", "name")})
    context = {"section": "slots", "form": form, "hosts": hosts_of_types()}
    return render(request, "webui/dashboard/drain.html", context, status=400 if form.is_bound else 200)


@require_POST
@staff_only
def end_drain(request: HttpRequest, drain_id: int) -> HttpResponse:
    """Lets new sessions start there again."""
    ended = staff.end_drain(drain_id, staff_actor(request))
    if ended is None:
        return done(request, reverse("dashboard-slots"), _("That drain had been ended already."), well=False)
    return done(request, reverse("dashboard-slots"), _("“%(name)s” takes new sessions again.") % {"name": ended.name})
