"""Putting an announcement away."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from webui.announcements import put_away
from webui.responses import SeeOther
from webui.visitors import way_back


@require_POST
def seen(request: HttpRequest, announcement_id: int) -> HttpResponse:
    """Shows it no more in this browser, and leads back to the page; its script does without the page."""
    response = SeeOther(way_back(request))
    put_away(request, response, announcement_id)
    return response
