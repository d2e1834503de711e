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


def test_those_that_were_put_away_are_named_for_the_pages_script(alice: User, visit: Visit) -> None:
    made = [Announcement.objects.create(text=text) for text in ("Cake at four.", "Tea at five.")]
    browser = visit(alice)
    assert 'data-seen=""' in browser.get("/").content.decode()
    browser.post(f"/announcements/{made[0].pk}/seen", {"next": "/"})
    page = browser.get("/").content.decode()
    assert f'data-seen="{made[0].pk}"' in page and "Cake" not in page and "Tea at five." in page


def test_putting_one_away_that_is_not_there_hurts_nobody(client: Client, db: None) -> None:
    assert client.post("/announcements/4711/seen", {"next": "https://elsewhere.example/"})["Location"] == "/"
