"""What is wrong with the sessions file and its scripts, how to mend it, and reading it again."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from remote_service import conf, staff
from remote_service.config.problems import Problem
from remote_service.models import SessionEvent, SessionType, Site
from webui.views.dashboard.guard import done, staff_actor, staff_only

PATIENCE = timedelta(seconds=30)
"""After which a reload that nobody has done is called one that nobody does."""
WAITING, SILENT, FAILED, READ, NEVER = "waiting", "silent", "failed", "read", "never"


@require_safe
@staff_only
def catalogue(request: HttpRequest) -> HttpResponse:
    """The outcome of the last load."""
    site = Site.load()
    asked = SessionEvent.objects.filter(what="reload asked").order_by("-at").values_list("at", flat=True).first()
    problems = [Problem.from_dict(problem) for problem in site.problems]
    context = {
        "section": "catalogue",
        "site": site,
        "outcome": outcome_of(site, asked, timezone.now()),
        "problems": problems,
        "errors": sum(problem.is_error for problem in problems),
        "file_unreadable": any(problem.is_error and problem.entry is None for problem in problems),
        "types": SessionType.objects.count(),
        "sessions_file": conf.current().sessions_file,
    }
    return render(request, "webui/dashboard/catalogue.html", context)


def outcome_of(site: Site, asked: datetime | None, now: datetime) -> str:
    """What became of the last reload: see the constants above.

    Args:
        site: the row.
        asked: when staff last asked for one.
        now: the time.
    """
    if site.reload_done < site.reload_wanted:
        return SILENT if asked is not None and now - asked > PATIENCE else WAITING
    if asked is not None and (site.loaded_at is None or site.loaded_at < asked):
        return FAILED
    return NEVER if site.loaded_at is None else READ


@require_POST
@staff_only
def reload(request: HttpRequest) -> HttpResponse:
    """Asks the supervisor; the page then says what it found."""
    staff.ask_to_reload(staff_actor(request))
    sentence = _("The server was asked to read the sessions file again. Sessions that run go on.")
    return done(request, reverse("dashboard-catalogue"), sentence)
