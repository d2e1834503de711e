"""What staff say to everybody, on every page."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from remote_service import staff
from remote_service.models import Announcement
from webui.forms.dashboard import AnnouncementForm
from webui.views.dashboard.guard import done, staff_actor, staff_only


@require_http_methods(["GET", "HEAD", "POST"])
@staff_only
def announcements(request: HttpRequest) -> HttpResponse:
    """Those that are shown or will be, and the form for another one."""
    form = AnnouncementForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        made = form.cleaned_data
        level = Announcement.Level(made["level"])
        staff.announce(made["text"], level, made["shown_from"], made["shown_until"], staff_actor(request))
        return done(request, reverse("dashboard-announcements"), _("Users see it on every page in its time."))
    now = timezone.now()
    coming = Announcement.objects.filter(Q(shown_until=None) | Q(shown_until__gt=now))
    context = {"section": "announcements", "form": form, "announcements": list(coming), "now": now}
    return render(request, "webui/dashboard/announcements.html", context, status=400 if form.is_bound else 200)


@require_POST
@staff_only
def end_announcement(request: HttpRequest, announcement_id: int) -> HttpResponse:
    """Shows it no more."""
    back = reverse("dashboard-announcements")
    if staff.end_announcement(announcement_id, staff_actor(request)):
        return done(request, back, _("The announcement is shown no more."))
    return done(request, back, _("That announcement was over already."), well=False)
