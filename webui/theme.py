"""Light, dark, or as the system has it: what a visitor wants is in a cookie, so the first byte of a page knows it."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

COOKIE = "theme"
SYSTEM = "system"
THEMES: dict[str, Promise] = {
    SYSTEM: gettext_lazy("As the system"),
    "light": gettext_lazy("Light"),
    "dark": gettext_lazy("Dark"),
}
_A_YEAR = 365 * 24 * 3600


def theme_of(request: HttpRequest) -> str:
    """One of `THEMES`; what the cookie holds is anybody's."""
    wanted = request.COOKIES.get(COOKIE, SYSTEM)
    return wanted if wanted in THEMES else SYSTEM


def remember_theme(response: HttpResponse, theme: str) -> None:
    """Has the browser keep the theme for a year; the system's needs no cookie."""
    path = settings.SESSION_COOKIE_PATH
    if theme == SYSTEM:
        response.delete_cookie(COOKIE, path=path, samesite="Lax")
        return
    response.set_cookie(
        COOKIE,
        theme,
        max_age=_A_YEAR,
        path=path,
        secure=bool(settings.SESSION_COOKIE_SECURE),
        httponly=True,
        samesite="Lax",
    )
