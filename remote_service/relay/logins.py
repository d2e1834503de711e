"""Who a websocket's cookie says opened it: what Django's session and authentication middleware find out for pages.

Channels has the same as middleware; it opens and closes a connection to the database each time, and goes to a thread
of its own for that.
"""

from __future__ import annotations

import itertools
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, load_backend
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session as LoginSession
from django.core.exceptions import ValidationError
from django.http import parse_cookie
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from remote_service.prepared import find
from remote_service.relay.origin import header


def login_of(scope: dict[str, Any]) -> tuple[User | AnonymousUser, str]:
    """The user, and the key of the browser's session that vouches for it; a guest has one too, else it is empty."""
    cookies = parse_cookie(header(scope["headers"], b"cookie"))
    key = cookies.get(settings.SESSION_COOKIE_NAME, "")
    row = find(LoginSession, "session_key", key) if key else None
    if row is None or row.expire_date <= timezone.now():
        return AnonymousUser(), ""
    user = _vouched_for(SessionStore().decode(row.session_data))
    return (AnonymousUser() if user is None else user), key


def _vouched_for(login: dict[str, Any]) -> User | None:
    """The user of a login session; none when its way to log in is no more, or it is older than the password."""
    path = login.get(BACKEND_SESSION_KEY)
    if path not in settings.AUTHENTICATION_BACKENDS:
        return None
    try:
        user_id = User._meta.pk.to_python(login.get(SESSION_KEY))
    except ValidationError:
        return None
    user = _user(load_backend(path), user_id)
    return user if user is not None and _is_of_its_password(login.get(HASH_SESSION_KEY), user) else None


def _is_of_its_password(stamp: str | None, user: User) -> bool:
    """Whether a login was made with the password that its user has now, under this SECRET_KEY or one before it.

    Django's own gives the login a new key in the second case; a websocket has no way to tell the browser of that.
    """
    if not stamp:
        return False
    stamps = itertools.chain([user.get_session_auth_hash()], user.get_session_auth_fallback_hash())
    return any(constant_time_compare(stamp, each) for each in stamps)


def _user(backend: Any, user_id: Any) -> User | None:
    if type(backend).get_user is not ModelBackend.get_user:
        found: User | None = backend.get_user(user_id)
        return found
    user = find(User, "id", user_id)
    return user if user is not None and backend.user_can_authenticate(user) else None
