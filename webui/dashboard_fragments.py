"""The dashboard's pages that follow what happens, as fragments; none for who may not manage sessions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe

from remote_service import access
from remote_service.config.problems import Problem
from remote_service.models import Announcement, Drain, Session, SessionEvent, SessionType, Site
from webui import words
from webui.acts import last_acts
from webui.catalogue_outcome import outcome_of
from webui.forms.dashboard import SessionFilter
from webui.live.fragments import Fragments, placeholder
from webui.session_search import find_sessions, list_found
from webui.slot_table import list_quarantined, list_slots

ON_A_PAGE = 50
NUMBER = "number"
"""The parameter that says which page of a list; in the browser's address it is `page`."""

Parameters = Mapping[str, str]


def _for_staff(made: Callable[[Parameters], Fragments]) -> Callable[[User, Parameters], Fragments | None]:
    @wraps(made)
    def guarded(user: User, parameters: Parameters) -> Fragments | None:
        return made(parameters) if access.may_manage(user) else None

    return guarded


@_for_staff
def overview(parameters: Parameters) -> Fragments:
    """How the site is, in numbers that lead on, and what staff did last; a fixed number of queries."""
    drains = list(Drain.objects.order_by("kind", "name"))
    rows = list_slots(drains)
    site = Site.load()
    now = timezone.now()
    context = {
        "site": site,
        "problems": len(site.problems),
        "sessions": Session.objects.live().aggregate(
            live=Count("pk"),
            unknown=Count("pk", filter=~Q(unknown_since=None)),
            unprotected=Count("pk", filter=Q(unprotected=True)),
        ),
        "quarantined": Session.objects.filter(quarantined=True).count(),
        "free": sum(max(0, row.free) for row in rows if row.drain is None) if site.external_sessions_enabled else 0,
        "total": sum(row.total for row in rows),
        "drains": len(drains),
        "announcements": Announcement.objects.filter(Q(shown_until=None) | Q(shown_until__gt=now)).count(),
        "blocked": User.objects.filter(is_active=False).count(),
        "acts": last_acts(),
    }
    return _changing("_overview", context)


@_for_staff
def sessions(parameters: Parameters) -> Fragments:
    """The sessions that fit the filter, a page of them; as many queries for one session as for thousands."""
    # In an order of their own: the browser's address and that of its websocket have each another.
    filters = {name: value for name, value in sorted(parameters.items()) if name != NUMBER}
    asked = SessionFilter(filters or {"state": "live"})
    page = Paginator(find_sessions(asked.wanted), ON_A_PAGE).get_page(parameters.get(NUMBER))
    numbered = {**filters, "page": parameters[NUMBER]} if NUMBER in parameters else filters
    here = reverse("dashboard-sessions") + (f"?{urlencode(numbered)}" if numbered else "")
    found = {f"row-{row.session.pk}": row for row in list_found(list(page.object_list), timezone.now())}
    context = {
        "page": page,
        "rows": [mark_safe(placeholder(element_id)) for element_id in found],
        "query": urlencode(filters),
        "filtered": any(value for name, value in asked.wanted.items() if name != "state"),
    }
    return {
        **_changing("_sessions", context),
        **{
            element_id: _rendered("_session_row", {"id": element_id, "row": row, "here": here})
            for element_id, row in found.items()
        },
    }


@_for_staff
def slots(parameters: Parameters) -> Fragments:
    """Slots of each type, and below them what keeps slots from users."""
    drains = list(Drain.objects.order_by("kind", "name"))
    return _changing("_slots", {"rows": list_slots(drains), "drains": drains, "quarantined": list_quarantined()})


@_for_staff
def catalogue(parameters: Parameters) -> Fragments:
    """The outcome of the last load of the sessions file."""
    site = Site.load()
    asked = SessionEvent.objects.filter(what="reload asked").order_by("-at").values_list("at", flat=True).first()
    problems = [words.problem_words(Problem.from_dict(problem)) for problem in site.problems]
    context = {
        "site": site,
        "outcome": outcome_of(site, asked, timezone.now()),
        "problems": problems,
        "errors": sum(problem.is_error for problem in problems),
        "file_unreadable": any(problem.is_error and problem.entry is None for problem in problems),
        "types": SessionType.objects.count(),
    }
    return _changing("_catalogue", context)


def _changing(template: str, context: dict[str, Any]) -> Fragments:
    return {"changing": _rendered(template, context)}


def _rendered(template: str, context: dict[str, Any]) -> str:
    return render_to_string(f"webui/dashboard/{template}.html", context).strip()
