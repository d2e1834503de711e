"""The dashboard's first page: how the site is, in numbers that lead on, and what staff did last."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from remote_service.models import Announcement, Drain, Session, SessionEvent, Site
from webui.slot_table import list_slots
from webui.views.dashboard.guard import DOOR, staff_only

LAST_ACTS = 10


@require_safe
@staff_only
def overview(request: HttpRequest) -> HttpResponse:
    """The page; a fixed number of queries."""
    drains = list(Drain.objects.order_by("kind", "name"))
    rows = list_slots(drains)
    site = Site.load()
    now = timezone.now()
    context = {
        "section": "overview",
        "site": site,
        "problems": len(site.problems),
        "sessions": Session.objects.live().aggregate(
            live=Count("pk"), unknown=Count("pk", filter=~Q(unknown_since=None))
        ),
        "quarantined": Session.objects.filter(quarantined=True).count(),
        "free": sum(max(0, row.free) for row in rows),
        "total": sum(row.total for row in rows),
        "drains": len(drains),
        "announcements": Announcement.objects.filter(Q(shown_until=None) | Q(shown_until__gt=now)).count(),
        "blocked": User.objects.filter(is_active=False).count(),
        "acts": SessionEvent.objects.filter(door__in=(DOOR, "admin")).order_by("-id")[:LAST_ACTS],
    }
    return render(request, "webui/dashboard/overview.html", context)
