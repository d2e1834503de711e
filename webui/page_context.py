"""What every page's frame needs. Nothing is asked of the database before a template uses it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import escape_leading_slashes

from remote_service import access
from webui.announcements import seen_announcements, shown_announcements
from webui.maintenance import maintenance_of
from webui.theme import THEMES, theme_of


def page(request: HttpRequest) -> dict[str, Any]:
    """The context processor: theme, announcements, maintenance for those who see the pages all the same."""
    return {
        "theme": theme_of(request),
        "themes": THEMES,
        "seen_announcements": seen_announcements(request),
        "site_announcements": lambda: shown_announcements(request),
        "maintenance": maintenance_of(request),
        "may_manage": lambda: access.may_manage(request.user),
        # What a POST answers has no page to come back to.
        "this_page": escape_leading_slashes(request.get_full_path()) if request.method == "GET" else reverse("picker"),
    }
