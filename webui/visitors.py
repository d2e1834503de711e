"""Who makes a request, as the framework wants to know it."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest

from remote_service import access
from remote_service.lifecycle import Actor


def visitor(request: HttpRequest) -> User:
    """The user of a view that `login_required` guards."""
    assert isinstance(request.user, User)
    return request.user


def actor(request: HttpRequest) -> Actor:
    """Who, from where, by which door; the server has already put a trusted proxy's client into REMOTE_ADDR."""
    return Actor(visitor(request).get_username(), request.META.get("REMOTE_ADDR") or "", "web")


def is_staff(user: User) -> bool:
    """Whether the pages tell the user what only those who run the site can mend."""
    return user.is_staff or access.may_manage(user)
