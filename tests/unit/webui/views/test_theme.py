"""The control that picks a theme, and pages in it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client


@pytest.mark.parametrize(("theme", "media"), [("dark", "all"), ("light", "not all")])
@pytest.mark.django_db
def test_a_theme_that_was_picked_is_in_the_first_byte_of_every_page(client: Client, theme: str, media: str) -> None:
    response = client.post("/theme/", {"theme": theme, "next": "/login/"})
    assert (response.status_code, response["Location"]) == (303, "/login/")
    page = client.get("/login/").content.decode()
    assert f'<html lang="en" data-theme="{theme}">' in page
    assert f'<meta name="color-scheme" content="{theme}">' in page
    assert f'dark.css" media="{media}">' in page


@pytest.mark.django_db
def test_the_systems_theme_is_the_browsers_business(client: Client) -> None:
    client.post("/theme/", {"theme": "dark"})
    client.post("/theme/", {"theme": "system"})
    page = client.get("/login/").content.decode()
    assert '<html lang="en">' in page
    assert 'dark.css" media="(prefers-color-scheme: dark)">' in page


@pytest.mark.parametrize("posted", [{}, {"theme": "blue"}])
def test_any_other_theme_is_refused(client: Client, db: None, posted: dict[str, str]) -> None:
    response = client.post("/theme/", posted)
    assert response.status_code == 400
    assert "theme" not in response.cookies


@pytest.mark.parametrize("elsewhere", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)", ""])
def test_it_leads_nowhere_else(client: Client, db: None, elsewhere: str) -> None:
    assert client.post("/theme/", {"theme": "dark", "next": elsewhere})["Location"] == "/"


def test_the_user_menu_says_which_is_chosen(client: Client, alice: User) -> None:
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    client.post("/theme/", {"theme": "dark"})
    page = client.get("/password/").content.decode()
    assert 'value="dark" class="menu-button" aria-pressed="true"' in page
    assert 'value="system" class="menu-button" aria-pressed="false"' in page
