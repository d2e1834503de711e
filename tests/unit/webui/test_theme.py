"""What a visitor's cookie says of the theme, and that it stays on this site."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from webui.theme import COOKIE, remember_theme, theme_of

DARK = Path(__file__).resolve().parents[3] / "webui" / "static" / "webui" / "dark.css"


@pytest.mark.parametrize(
    ("cookie", "theme"), [("dark", "dark"), ("light", "light"), ("", "system"), ('"><script>', "system")]
)
def test_the_cookie_says_which_unless_it_holds_something_else(cookie: str, theme: str) -> None:
    request = RequestFactory().get("/")
    request.COOKIES[COOKIE] = cookie
    assert theme_of(request) == theme


def test_without_a_cookie_it_is_the_systems() -> None:
    assert theme_of(RequestFactory().get("/")) == "system"


def test_it_is_kept_for_a_year_below_the_sites_path(settings: Settings) -> None:
    settings.SESSION_COOKIE_PATH, settings.SESSION_COOKIE_SECURE = "/desktops", True
    response = HttpResponse()
    remember_theme(response, "dark")
    cookie = response.cookies[COOKIE]
    assert (cookie.value, cookie["path"], cookie["max-age"]) == ("dark", "/desktops", 365 * 24 * 3600)
    assert cookie["secure"] and cookie["httponly"] and cookie["samesite"] == "Lax"


def test_the_systems_theme_needs_no_cookie() -> None:
    response = HttpResponse()
    remember_theme(response, "system")
    assert (response.cookies[COOKIE].value, response.cookies[COOKIE]["max-age"]) == ("", 0)


def test_the_dark_theme_is_another_set_of_colours_and_nothing_else() -> None:
    rules = re.sub(r"/\*.*?\*/", "", DARK.read_text(), flags=re.DOTALL)
    selectors = [part.split("}")[-1].strip() for part in rules.split("{")[:-1]]
    declared = [line.strip() for line in rules.splitlines() if ":" in line and "{" not in line]
    assert selectors == [":root"]
    assert declared and all(line.startswith("--") for line in declared)
