"""Websocket scopes as the middleware in front of the relay makes them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.contrib.auth.models import AnonymousUser

HOST = "desk.example.org"
ORIGIN = f"http://{HOST}"


def scope(
    path: str = "/websockify",
    query: str = "",
    *,
    user: Any = None,
    origin: str | None = None,
    host: str | None = HOST,
    scheme: str = "ws",
    login: str | None = "login-key",
    browser: str | None = None,
) -> dict[str, Any]:
    """A scope; with a user it holds that user's login, else the key of the browser's session if there is one."""
    headers = [(b"host", host)] if host is not None else []
    if origin is not None:
        headers.append((b"origin", origin))
    return {
        "type": "websocket",
        "path": path,
        "query_string": query.encode(),
        "headers": [(name, value.encode()) for name, value in headers],
        "scheme": scheme,
        "client": ("192.0.2.7", 50000),
        "subprotocols": [],
        "user": user or AnonymousUser(),
        "session": SimpleNamespace(session_key=login if user else browser),
    }
