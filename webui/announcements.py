"""The announcements that a page shows, and those that its visitor has put away for as long as the browser is open."""

from __future__ import annotations

import re

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from remote_service.models import Announcement

COOKIE = "announcements_seen"
_MOST_SEEN = 50
"""Numbers in the cookie, the latest; one that fell out is shown once more."""


def current_announcements() -> list[Announcement]:
    """Those whose time it is, the latest first; one query."""
    now = timezone.now()
    return list(Announcement.objects.filter(Q(shown_until=None) | Q(shown_until__gt=now), shown_from__lte=now))


def shown_announcements(request: HttpRequest) -> list[Announcement]:
    """Those of them that this browser has not put away."""
    seen = set(_seen(request))
    return [announcement for announcement in current_announcements() if announcement.pk not in seen]


def seen_announcements(request: HttpRequest) -> str:
    """The numbers of those that it has put away, for the page's script; with dots between them."""
    return ".".join(map(str, _seen(request)))


def put_away(request: HttpRequest, response: HttpResponse, announcement_id: int) -> None:
    """Shows it no more in this browser; the cookie goes when the browser does."""
    seen = [*(number for number in _seen(request) if number != announcement_id), announcement_id][-_MOST_SEEN:]
    response.set_cookie(
        COOKIE,
        ".".join(map(str, seen)),
        path=settings.SESSION_COOKIE_PATH,
        secure=bool(settings.SESSION_COOKIE_SECURE),
        httponly=True,
        samesite="Lax",
    )


def _seen(request: HttpRequest) -> list[int]:
    return [int(number) for number in re.findall(r"\b[0-9]{1,15}\b", request.COOKIES.get(COOKIE, ""))][-_MOST_SEEN:]
