"""Websocket scopes as the server makes them, and Channels' middleware."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session as LoginSession
from django.utils import timezone

HOST = "desk.example.org"
ORIGIN = f"http://{HOST}"
BACKEND = "django.contrib.auth.backends.ModelBackend"


def log_in(user: Any, key: str = "login-key", *, lasts: float = 3600.0, **changed: Any) -> str:
    """A login session under this key, as Django's login makes it; returns its cookie."""
    stamp = user.get_session_auth_hash()
    content = {SESSION_KEY: str(user.pk), BACKEND_SESSION_KEY: BACKEND, HASH_SESSION_KEY: stamp, **changed}
    LoginSession.objects.save(key, content, timezone.now() + timedelta(seconds=lasts))
    return f"{settings.SESSION_COOKIE_NAME}={key}"


def scope(
    path: str = "/websockify",
    query: str = "",
    *,
    user: Any = None,
    origin: str | None = None,
    host: str | None = HOST,
    scheme: str = "ws",
    login: str | None = "login-key",
    cookie: str = "",
    browser: str | None = None,
) -> dict[str, Any]:
    """A scope; with a user it holds that user's login, else the key of the browser's session if there is one, and the
    cookie of a login if need be."""
    headers = [(b"host", host)] if host is not None else []
    if origin is not None:
        headers.append((b"origin", origin))
    if browser and not cookie:
        cookie = f"{settings.SESSION_COOKIE_NAME}={browser}"
    if cookie:
        headers.append((b"cookie", cookie))
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
