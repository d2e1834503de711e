"""What a browser complains about while it is at our pages: whatever a test has not announced fails the test."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, WebError, WebSocket

# A page that is left gives up what it was still asking for: that is no failure of the server's.
_GIVEN_UP = "net::ERR_ABORTED"
# Bytes that the page already has.
_LOCAL_SCHEMES = {"data", "blob", "about"}

REFUSED_PAGE = r"^console: Failed to load resource: the server responded with a status of 4\d\d "
"""Chromium's note of a page that was answered with an error on purpose."""
REFUSED_SOCKET = r"^console: WebSocket connection to .*Unexpected response code: 403"
"""Its note of a websocket that was refused: one's own too, when the session was over before it came."""
BAD_GATEWAY = r"the server responded with a status of 502 |Unexpected response code: 502"
"""What it notes while a front proxy answers for a server that is not there."""
NO_SERVER = r"ERR_(CONNECTION_(REFUSED|RESET|CLOSED)|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED)|Connection closed before"
"""What it notes while there is nobody at our address."""


class Guard:
    """Listens to the browser contexts of one test.

    Complaints are: a message of level "error" on the console (Chromium writes one for each violation of the
    Content-Security-Policy), an exception that no script caught, a request to our origin that failed, and a request
    or a websocket to anywhere else.
    """

    def __init__(self) -> None:
        """Nothing is listened to yet."""
        self.asked: list[str] = []
        """The address of every request and websocket."""
        self._complaints: list[str] = []
        self._listeners: dict[BrowserContext, dict[str, Callable[..., None]]] = {}
        self._announced: list[str] = []

    def watch(self, context: BrowserContext, origin: str) -> None:
        """Listens to a context whose pages belong to `origin`, such as `http://127.0.0.1:8000`."""
        host = urlsplit(origin).netloc

        def requested(url: str) -> None:
            self.asked.append(url)
            parts = urlsplit(url)
            if parts.netloc != host and parts.scheme not in _LOCAL_SCHEMES:
                self._complaints.append(f"request to a foreign host: {url}")

        def failed(request: Request) -> None:
            if request.failure != _GIVEN_UP:
                self._complaints.append(f"failed request: {request.method} {request.url}: {request.failure}")

        def said(message: ConsoleMessage) -> None:
            if message.type == "error":
                self._complaints.append(f"console: {message.text} ({message.location.get('url', '')})")

        def raised(error: WebError) -> None:
            self._complaints.append(f"uncaught exception: {error.error}")

        def opened(socket: WebSocket) -> None:
            requested(socket.url)

        def has_page(page: Page) -> None:
            page.on("websocket", opened)

        listeners: dict[str, Callable[..., None]] = {
            "request": lambda request: requested(request.url),
            "requestfailed": failed,
            "console": said,
            "weberror": raised,
            "page": has_page,
        }
        for event, listener in listeners.items():
            context.on(event, listener)  # type: ignore[call-overload]  # its overloads want a literal each
        self._listeners[context] = listeners

    def release(self, context: BrowserContext) -> None:
        """Listens to the context no more."""
        for event, listener in self._listeners.pop(context).items():
            context.remove_listener(event, listener)

    def announce(self, pattern: str) -> None:
        """From now on, and for what was said before, complaints in which `pattern` is found are part of the test."""
        self._announced.append(pattern)

    def complaints(self) -> list[str]:
        """Those that were not announced."""
        return [text for text in self._complaints if not any(re.search(known, text) for known in self._announced)]
