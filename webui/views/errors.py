"""The pages of errors: what happened, and where to go from there."""

from __future__ import annotations

import sys
from functools import lru_cache

from csp.utils import build_policy
from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import add_never_cache_headers
from django.utils.http import escape_leading_slashes
from django.utils.translation import get_language_from_request, override
from django.views.decorators.cache import never_cache

from remote_service.database import RETRY_AFTER, complain_of, out_of_reach
from webui.theme import theme_of


@never_cache
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: the request makes no sense."""
    return render(request, "400.html", status=400)


@never_cache
def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: refused, whoever asks."""
    return render(request, "403.html", status=403)


@never_cache
def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: not there, or not for who asks."""
    return render(request, "404.html", status=404)


@never_cache
def server_error(request: HttpRequest) -> HttpResponse:
    """500: our fault; or 503 when the database is what failed. Rendered without the request, which would ask it."""
    error = sys.exception()
    if out_of_reach(error):
        return _database_away(request, error)
    return HttpResponse(render_to_string("500.html"), status=500)


def _database_away(request: HttpRequest, error: Error) -> HttpResponse:
    complain_of(error)
    shown = {
        "seconds": RETRY_AFTER,
        "sent": request.method not in ("GET", "HEAD"),
        "theme": theme_of(request),
        "this_page": escape_leading_slashes(request.get_full_path()),
    }
    response = HttpResponse(render_to_string("away.html", shown), status=503)
    response["Retry-After"] = str(RETRY_AFTER)
    # One line for all who ask, instead of a traceback for each.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


@never_cache
def under_maintenance(request: HttpRequest, text: str) -> HttpResponse:
    """503: staff has closed the pages for a while, and says why."""
    return render(request, "503.html", {"text": text}, status=503)


def too_many_log_ins(request: HttpRequest, seconds: int) -> HttpResponse:
    """429: too many log-ins came from one address, or at once. It costs next to nothing, since floods get it.

    The middleware that refuses stands before those that know the language and add these headers.
    """
    language = get_language_from_request(request)
    response = HttpResponse(_too_many(seconds, language), status=429)
    response["Content-Language"] = language
    response["Retry-After"] = str(seconds)
    response["Content-Security-Policy"] = build_policy()
    response["X-Frame-Options"] = settings.X_FRAME_OPTIONS
    add_never_cache_headers(response)
    return response


@lru_cache(maxsize=256)
def _too_many(seconds: int, language: str) -> str:
    with override(language):
        return render_to_string("429.html", {"seconds": seconds})
