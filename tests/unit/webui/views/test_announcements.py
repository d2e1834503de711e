"""Announcements stand on every page until a visitor puts them away."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import User
from django.test import Client

from remote_service.models import Announcement, Session

Visit = Callable[[User], Client]


def test_an_announcement_stands_on_every_page_until_it_is_put_away(
    alice: User, visit: Visit, make_session: Callable[..., Session]
) -> None:
    made = Announcement.objects.create(text="Cake at <four>.", level="warning")
    browser = visit(alice)
    pages = ["/password/", "/nowhere/", f"/sessions/{make_session(alice).pk}/"]
    assert all("Cake at &lt;four&gt;." in browser.get(path).content.decode() for path in pages)
    response = browser.post(f"/announcements/{made.pk}/seen", {"next": "/password/"})
    assert (response.status_code, response["Location"]) == (303, "/password/")
    assert all("Cake at" not in browser.get(path).content.decode() for path in pages)
    assert "Cake at" in visit(alice).get("/password/").content.decode()


def test_it_stands_on_the_login_page(client: Client, db: None) -> None:
    Announcement.objects.create(text="Cake at four.")
    assert "Cake at four." in client.get("/login/").content.decode()


def test_a_page_without_announcements_has_no_place_for_them(client: Client, db: None) -> None:
    page = client.get("/login/").content.decode()
    assert "site-notes" not in page and "announcements.js" not in page


def test_putting_one_away_that_is_not_there_hurts_nobody(client: Client, db: None) -> None:
    assert client.post("/announcements/4711/seen", {"next": "https://elsewhere.example/"})["Location"] == "/"
