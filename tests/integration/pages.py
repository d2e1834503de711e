"""The pages of a live server as its users' browsers see them, without a browser."""

from __future__ import annotations

import json
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cache
from http.cookiejar import Cookie, CookieJar
from typing import NamedTuple

SESSION_COOKIE = "gateway_session"
PASSWORD = "correct horse battery"
"""Of every user of `tests.integration.live.USERS`."""

_FORM_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Page(NamedTuple):
    """A page, after redirections."""

    status: int
    url: str
    text: str


class SitePages(ABC):
    """Who fetches, fills in and sends what; every user has a browser with cookies of its own."""

    def __init__(self) -> None:
        self._browsers: dict[str, tuple[CookieJar, urllib.request.OpenerDirector]] = {}
        self._logged_out: set[str] = set()
        self.shown: list[str] = []
        """The texts of all pages that anybody was shown."""

    @property
    @abstractmethod
    def url(self) -> str:
        """Where the pages are, without a slash at the end; it is their Origin as well."""

    @abstractmethod
    def login_made_before(self, name: str) -> str:
        """The session cookie of a login that the site begins with; empty when it has none of this user."""

    def get(self, name: str, path: str) -> Page:
        """Somebody fetches a page."""
        return self._fetch(name, f"{self.url}{path}")

    def post(self, name: str, path: str, fields: Mapping[str, str] | None = None, *, form: str = "/") -> Page:
        """Somebody fills the form on the page `form` in, and sends it to `path`."""
        found = _FORM_TOKEN.search(self.get(name, form).text)
        assert found, f"there is no form at {form}"
        data = urllib.parse.urlencode({"csrfmiddlewaretoken": found[1], **(fields or {})}).encode()
        headers = {"Origin": self.url, "Referer": f"{self.url}{form}"}
        return self._fetch(name, urllib.request.Request(f"{self.url}{path}", data, headers))

    def login(self, name: str, password: str = PASSWORD) -> str:
        """Logs a user in, once, if need be by the login page; returns the cookie for a websocket."""
        jar = self._browser(name)[0]
        if SESSION_COOKIE not in {cookie.name for cookie in jar}:
            if password == PASSWORD and name not in self._logged_out and (made := self.login_made_before(name)):
                jar.set_cookie(_cookie(SESSION_COOKIE, made))
                return f"{SESSION_COOKIE}={made}"
            self.enter(name, password)
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)

    def enter(self, name: str, password: str = PASSWORD) -> None:
        """Logs a user in by the login page."""
        page = self.post(name, "/login/", {"username": name, "password": password}, form="/login/")
        assert page.url == f"{self.url}/", page.text

    def logout(self, name: str) -> None:
        """Logs a user out."""
        self.post(name, "/logout/")
        self._browsers.pop(name)
        self._logged_out.add(name)

    def launch(self, name: str, type_name: str, **fields: str) -> str:
        """A user presses Start; returns the session's id."""
        self.login(name)
        page = self.post(name, "/launch/", {"type": type_name, **fields})
        found = re.fullmatch(rf"{re.escape(self.url)}/sessions/([0-9a-f-]{{36}})/", page.url)
        assert found, f"{page.status} {page.url}: {page.text}"
        return found[1]

    def stop_session(self, name: str, session: str) -> None:
        """A user presses Stop."""
        self.login(name)
        assert self.post(name, f"/sessions/{session}/stop").status == 200

    def say_why(self, name: str, session: str) -> None:
        """One of the staff says why they look at somebody's session."""
        self.login(name)
        assert self.post(name, f"/sessions/{session}/watch", {"reason": "Ticket 4711"}).status == 200

    def share(self, name: str, session: str, **fields: str) -> str:
        """An owner makes a link, for anyone to look unless `fields` say otherwise; returns its secret."""
        self.login(name)
        entered = {"control": "view", "audience": "anyone", "lasts": "day", **fields}
        page = self.post(name, f"/sessions/{session}/shares/", entered)
        assert page.status == 201, page.text
        return str(json.loads(page.text)["link"]).partition("#")[2]

    def accept(self, name: str, secret: str) -> int:
        """Somebody accepts it; returns the status of the page to which that leads."""
        self.login(name)
        return self.post(name, "/share/accept", {"secret": secret}).status

    def accept_as_guest(self, browser: str, secret: str, called: str = "") -> Page:
        """Somebody without an account accepts it; `browser` is any name that is no user's."""
        return self.post(browser, "/share/accept", {"secret": secret, "name": called}, form="/share/")

    def cookies(self, browser: str) -> str:
        """What a browser sends with a websocket."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._browser(browser)[0])

    def _fetch(self, name: str, request: str | urllib.request.Request) -> Page:
        page = fetch(self._browser(name)[1], request)
        self.shown.append(page.text)
        return page

    def _browser(self, name: str) -> tuple[CookieJar, urllib.request.OpenerDirector]:
        if name not in self._browsers:
            jar = CookieJar()
            self._browsers[name] = jar, opener(urllib.request.HTTPCookieProcessor(jar))
        return self._browsers[name]


def _cookie(name: str, value: str) -> Cookie:
    """One for every page of this machine, until the browser is closed."""
    return Cookie(
        0, name, value, None, False, "127.0.0.1", True, False, "/", True, secure=False, expires=None, discard=True,
        comment=None, comment_url=None, rest={},
    )  # fmt: skip


@cache
def unverified() -> ssl.SSLContext:
    """Tests' certificates are signed by nobody."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def opener(*handlers: urllib.request.BaseHandler) -> urllib.request.OpenerDirector:
    """Without the proxies of whoever runs the tests."""
    https = urllib.request.HTTPSHandler(context=unverified())
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), https, *handlers)


def fetch(browser: urllib.request.OpenerDirector, request: str | urllib.request.Request) -> Page:
    """What is answered in the end, whatever its status."""
    try:
        with browser.open(request, timeout=30) as answer:
            return Page(answer.status, answer.url, answer.read().decode())
    except urllib.error.HTTPError as refused:
        with refused:
            return Page(refused.code, refused.url, refused.read().decode())
