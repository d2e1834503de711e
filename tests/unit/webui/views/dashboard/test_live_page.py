"""Pages of the dashboard that follow what happens say where their script listens, and what they show."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client

from remote_service.models import Session

Visit = Callable[[User], Client]


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("", {"page": "dashboard"}),
        ("slots/", {"page": "dashboard-slots"}),
        ("catalogue/", {"page": "dashboard-catalogue"}),
        (
            "sessions/?state=any&owner=ali&page=1&colour=red",
            {"page": "dashboard-sessions", "state": "any", "owner": "ali", "number": "1"},
        ),
    ],
)
def test_what_it_listens_to_has_nothing_new_at_first(
    path: str, page: dict[str, str], alice: User, manager: User, visit: Visit, make_session: Callable[..., Session]
) -> None:
    make_session(alice)
    browser = visit(manager)
    shown = browser.get(f"/dashboard/{path}").content.decode()
    found = re.search(r'<div id="live" data-address="([^"]+)" data-seen="(\w+)"', shown)
    assert found
    address = unescape(found[1])
    assert dict(parse_qsl(urlsplit(address).query)) == page
    assert browser.get(f"{address}&seen={found[2]}").status_code == 204
    assert set(browser.get(address).json()["fragments"]) >= {"changing", "site-notes"}


def test_its_forms_have_a_token(alice: User, manager: User, visit: Visit, make_session: Callable[..., Session]) -> None:
    make_session(alice, quarantined=True)
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = visit(manager).cookies
    shown = browser.get("/dashboard/sessions/?state=quarantined").content.decode()
    form = re.search(r'action="(/dashboard/[^"]+release)">.*?value="(\w{64})"', shown, re.S)
    assert form
    assert browser.post(form[1]).status_code == 403
    assert browser.post(form[1], {"csrfmiddlewaretoken": form[2]}).status_code == 303
