"""Tests of what a page asks for while it cannot listen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from remote_service.models import Session

Visit = Callable[[User], Client]
PICKER = "/live/?page=picker"


@pytest.mark.django_db
def test_who_is_not_logged_in_is_led_to_the_login_page(client: Client) -> None:
    assert client.get(PICKER)["Location"].startswith("/login/")


def test_a_page_that_there_is_not_is_not_found(alice: User, visit: Visit) -> None:
    assert visit(alice).get("/live/").status_code == 404
    assert visit(alice).get("/live/?page=launch&type=None").status_code == 404


def test_it_is_never_kept(alice: User, visit: Visit) -> None:
    assert "no-store" in visit(alice).get(PICKER)["Cache-Control"]


def test_it_answers_with_nothing_while_nothing_changed(
    alice: User, bob: User, visit: Visit, make_type: Callable[..., Any], make_session: Callable[..., Session]
) -> None:
    row = make_type(count=2)
    browser = visit(alice)
    first = browser.get(PICKER).json()
    assert "2 of 2 free" in first["fragments"][f"foot-{row.pk}"]
    unchanged = browser.get(f"{PICKER}&seen={first['digest']}")
    assert (unchanged.status_code, unchanged.content) == (204, b"")

    session = make_session(bob, index=0)

    now = browser.get(f"{PICKER}&seen={first['digest']}").json()
    assert "1 of 2 free" in now["fragments"][f"foot-{row.pk}"]
    assert str(session.pk) not in str(now)
    assert now["digest"] != first["digest"]


def test_a_guest_asks_for_the_sessions_screen_alone(
    alice: User,
    make_type: Callable[..., Any],
    make_session: Callable[..., Session],
    with_guests: Any,
    browse: Callable[..., str],
    come_as_guest: Callable[..., Any],
) -> None:
    make_type("Pattern")
    session, browser, key = make_session(alice), Client(), browse()
    come_as_guest(session, browser=key)
    browser.cookies["gateway_session"] = key
    assert set(browser.get(f"/live/?page=viewer&session={session.pk}").json()["fragments"]) >= {"rights", "ending"}
    for query in ("page=picker", f"page=details&session={session.pk}", f"page=viewer&session={make_session(alice).pk}"):
        assert browser.get(f"/live/?{query}")["Location"].startswith("/login/")
