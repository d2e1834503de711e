"""While staff has written a maintenance text, everybody else sees it instead of the pages.

What goes on: logging in and out, static files (their middleware is before this one), the stand-alone REST, what watches
the server, websockets (no middleware sees them) and what the page of a running viewer asks for. Put it just before
`one_thread`.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import resolve
from django.utils.cache import add_never_cache_headers
from django.utils.decorators import sync_only_middleware

from remote_service import access
from remote_service.models import Site
from webui.views.errors import under_maintenance

_PATHS_THAT_GO_ON = ("/v1/", "/favicon.ico", "/healthz", "/readyz", "/metrics")
"""How they begin; for them the database is not even asked."""
_PAGES_THAT_GO_ON = frozenset(
    {
        "login",
        "logout",
        "theme",
        "announcement-seen",
        "live",
        "session-status",
        "session-keep",
        "session-stop",
        "session-log",
    }
)
RETRY_AFTER = 300
"""Seconds after which a program may ask again."""


@sync_only_middleware
def maintenance(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answers 503 with the text where a page would be."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(_PATHS_THAT_GO_ON):
            return get_response(request)
        text = Site.maintenance_text()
        if not text or _goes_on(request.path_info):
            return get_response(request)
        if access.may_manage(request.user):
            request.maintenance_text = text  # type: ignore[attr-defined]
            return get_response(request)
        response = under_maintenance(request, text)
        response["Retry-After"] = str(RETRY_AFTER)
        add_never_cache_headers(response)
        return response

    return answer


def maintenance_of(request: HttpRequest) -> str:
    """The text that others see meanwhile, for who sees the pages all the same; empty for everybody else."""
    return getattr(request, "maintenance_text", "")


def _goes_on(path: str) -> bool:
    try:
        return resolve(path).view_name in _PAGES_THAT_GO_ON
    except Http404:
        return False
