"""Somebody at the pages: logs in, launches, looks; without a browser."""

from __future__ import annotations

import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request
from typing import NamedTuple

from websockets.sync.client import connect

_FORM_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Page(NamedTuple):
    """What was answered in the end, redirections followed."""

    status: int
    url: str
    text: str


class WebUser:
    """One browser's cookies. `pages` keeps all that was shown."""

    def __init__(self, address: str) -> None:
        """`address` is the site's, without a slash at its end."""
        self._address = address
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))
        self.pages: list[str] = []

    def get(self, path: str) -> Page:
        """Fetches a page."""
        return self._ask(urllib.request.Request(self._address + path))

    def post(self, path: str, fields: dict[str, str], *, form: str = "/") -> Page:
        """Fills the form on the page `form` in, as far as its hidden token goes, and sends it."""
        found = _FORM_TOKEN.search(self.get(form).text)
        assert found, f"there is no form at {form}"
        data = urllib.parse.urlencode({"csrfmiddlewaretoken": found[1], **fields}).encode()
        return self._ask(urllib.request.Request(self._address + path, data, {"Origin": self._address}))

    def log_in(self, name: str, password: str) -> Page:
        """Logs in; fails when that is refused."""
        page = self.post("/login/", {"username": name, "password": password}, form="/login/")
        assert page.url == f"{self._address}/", page.text
        return page

    def launch(self, type_name: str, **fields: str) -> str:
        """Presses Start; returns the session's id."""
        page = self.post("/launch/", {"type": type_name, **fields})
        found = re.fullmatch(rf"{re.escape(self._address)}/sessions/([0-9a-f-]{{36}})/", page.url)
        assert found, f"{page.status} {page.url}: {page.text}"
        return found[1]

    def viewer(self, session: str) -> connect:
        """The websocket of the session's page; a context manager."""
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._cookies)
        return connect(
            f"{self._address.replace('http', 'ws', 1)}/sessions/{session}/websockify",
            additional_headers={"Cookie": cookies}, origin=self._address,
            subprotocols=["binary"], max_size=None, compression=None, close_timeout=1,
        )  # fmt: skip

    def _ask(self, request: urllib.request.Request) -> Page:
        try:
            with self._opener.open(request, timeout=20) as answer:
                page = Page(answer.status, answer.url, answer.read().decode())
        except urllib.error.HTTPError as refused:
            with refused:
                page = Page(refused.code, refused.url, refused.read().decode())
        self.pages.append(page.text)
        return page
