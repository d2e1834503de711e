"""The dashboard's first page: how the site is, in numbers that lead on, and what staff did last."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from webui import dashboard_fragments as fragments
from webui.views.dashboard.guard import staff_only
from webui.views.dashboard.live_page import live_page


@require_safe
@staff_only
def overview(request: HttpRequest) -> HttpResponse:
    """The page."""
    return live_page(request, "overview", fragments.overview)
