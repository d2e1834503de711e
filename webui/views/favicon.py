"""The icon that browsers ask for by its old fixed name."""

from __future__ import annotations

from functools import cache

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from webui.storage import OWN_STATIC


@require_safe
@cache_control(public=True, max_age=86400)
def favicon(request: HttpRequest) -> HttpResponse:
    """The icon itself: a redirect would cost every browser a second request."""
    return HttpResponse(_icon(), content_type="image/x-icon")


@cache
def _icon() -> bytes:
    return (OWN_STATIC / "webui" / "favicon.ico").read_bytes()
