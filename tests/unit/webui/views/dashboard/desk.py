"""Somebody at the dashboard: what they see and do, in words."""

from __future__ import annotations

import re

from django.test import Client

from remote_service.models import SessionEvent


class Desk:
    """Somebody who may manage sessions, and what they see."""

    def __init__(self, browser: Client) -> None:
        self._browser = browser

    def see(self, path: str, status: int = 200) -> str:
        """The page's text, with blanks as one reads them."""
        response = self._browser.get(f"/dashboard/{path}")
        assert response.status_code == status
        return _plain(response.content.decode())

    def do(self, path: str, **fields: str) -> str:
        """Posts a form that is taken; what the page says to which it leads."""
        response = self._browser.post(f"/dashboard/{path}", fields, REMOTE_ADDR="192.0.2.7", follow=True)
        assert [status for _, status in response.redirect_chain] == [303]
        said = re.search(
            r'<div class="notice (?:success|warning)" role="status">.*?<p>(.*?)</p>', response.content.decode()
        )
        assert said
        return said[1]

    def refused(self, path: str, **fields: str) -> str:
        """Posts a form that is not taken; the page again."""
        response = self._browser.post(f"/dashboard/{path}", fields)
        assert response.status_code == 400
        return _plain(response.content.decode())


def _plain(markup: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"<(script|style).*?</\1>", "", markup, flags=re.S)))


def told(what: str) -> tuple[str, str, str, str]:
    """Why, who, from where and by which door: of the only event of its kind."""
    event = SessionEvent.objects.get(what=what)
    return event.why, event.who, event.address, event.door
