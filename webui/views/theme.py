"""The control in the user menu that picks light, dark or the system's theme."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.views.decorators.http import require_POST

from webui.responses import SeeOther
from webui.theme import THEMES, remember_theme
from webui.visitors import way_back


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keeps the choice in a cookie, and leads back to the page where it was made."""
    chosen = request.POST.get("theme", "")
    if chosen not in THEMES:
        return HttpResponseBadRequest()
    response = SeeOther(way_back(request))
    remember_theme(response, chosen)
    return response
