"""What changes around every page: what staff say to everybody, and whether the pages are open at all."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.template.loader import render_to_string

from remote_service import access
from remote_service.models import Site
from webui.announcements import current_announcements
from webui.live.fragments import Fragments

NOTES = "site-notes"
"""The element above the page."""


def closed_for(user: User) -> bool:
    """Whether maintenance keeps the user from the pages; one that is open then loads itself again, and says why."""
    return bool(Site.maintenance_text()) and not access.may_manage(user)


def framed(user: access.Visitor, fragments: Fragments) -> Fragments:
    """A page's own fragments, and what stands above them for this user. Which announcements a browser has put away
    only its script knows."""
    context = {
        "maintenance": Site.maintenance_text() if access.may_manage(user) else "",
        "site_announcements": current_announcements(),
    }
    return {**fragments, NOTES: render_to_string("webui/_site_notes.html", context).strip()}
