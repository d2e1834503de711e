"""The site's switch, and its maintenance text."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from remote_service import staff
from remote_service.models import Site
from webui.forms.dashboard import TextForm
from webui.views.dashboard.guard import done, staff_actor, staff_only


@require_http_methods(["GET", "HEAD", "POST"])
@staff_only
def site(request: HttpRequest) -> HttpResponse:
    """Both, and the form that closes the pages for all others."""
    form = TextForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        staff.set_maintenance(form.cleaned_data["text"], staff_actor(request))
        sentence = _("All but those who may manage sessions see this text instead of the pages now.")
        return done(request, reverse("dashboard-site"), sentence)
    context = {"section": "site", "site": Site.load(), "form": form}
    return render(request, "webui/dashboard/site.html", context, status=400 if form.is_bound else 200)


@require_POST
@staff_only
def end_maintenance(request: HttpRequest) -> HttpResponse:
    """Gives the pages back to everybody."""
    back = reverse("dashboard-site")
    if not Site.load().maintenance:
        return done(request, back, _("The pages were open already."), well=False)
    staff.set_maintenance("", staff_actor(request))
    return done(request, back, _("The pages are open to everybody again."))


@require_POST
@staff_only
def switch(request: HttpRequest) -> HttpResponse:
    """Turns the switch to where `on` says, so that a second press changes nothing."""
    on = request.POST.get("on") == "true"
    staff.set_switch(on, staff_actor(request))
    sentence = (
        _("Sessions can be launched again.") if on else _("No session can be launched now. Those that run go on.")
    )
    return done(request, reverse("dashboard-site"), sentence)
