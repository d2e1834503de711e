"""Who may what: the only place where that is decided, for pages, REST and websockets alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, Group, User
from django.db.models import QuerySet

from remote_service.models import Session, SessionType
from remote_service.rfb.policy import Policy

Visitor = AbstractBaseUser | AnonymousUser | User

MANAGE = "remote_service.manage_any_session"
VIEW = "remote_service.view_any_session"


def group_names(user: Visitor) -> frozenset[str]:
    """The groups that a user is in; nobody's are empty."""
    if not isinstance(user, User) or not user.is_active:
        return frozenset()
    return frozenset(Group.objects.filter(user=user).values_list("name", flat=True))


def admits(groups: Iterable[str] | None, memberships: Collection[str]) -> bool:
    """Whether a type with these groups admits somebody with these memberships; None admits everybody."""
    return groups is None or any(group in memberships for group in groups)


def may_launch(user: Visitor, session_type: SessionType, memberships: Collection[str]) -> bool:
    """Whether the user may use the type. Superusers too need the group: rights over sessions are not membership."""
    if not user.is_authenticated or not user.is_active:
        return False
    return admits(session_type.definition.groups, memberships)


def usable_types(user: Visitor) -> list[SessionType]:
    """The types that the user may use, in the order of the sessions file."""
    memberships = group_names(user)
    return [found for found in SessionType.objects.all() if may_launch(user, found, memberships)]


def _has(user: Visitor, *permissions: str) -> bool:
    return isinstance(user, User) and user.is_active and any(user.has_perm(name) for name in permissions)


def may_view(user: Visitor, session: Session) -> bool:
    """Whether the user may see the session and its screen."""
    return _owns(user, session) or _has(user, VIEW, MANAGE)


def may_stop(user: Visitor, session: Session) -> bool:
    """Whether the user may end the session: its owner, and who may manage any."""
    return _owns(user, session) or _has(user, MANAGE)


def may_control(user: Visitor, session: Session) -> bool:
    """Whether what the user types and clicks reaches the session: its owner's does, and that of who may manage any."""
    return may_stop(user, session)


def viewer_policy(user: Visitor, session: Session) -> Policy:
    """What who may view the session may do there: what its type allows all, and only to look without more rights."""
    allowed = session.viewer_policy
    return allowed if may_control(user, session) else replace(allowed, view_only=True)


def may_manage(user: Visitor) -> bool:
    """Whether the user may manage every session of the site."""
    return _has(user, MANAGE)


def _owns(user: Visitor, session: Session) -> bool:
    return user.is_authenticated and user.is_active and session.owner_id is not None and session.owner_id == user.pk


def visible_sessions(user: Visitor) -> QuerySet[Session]:
    """The sessions whose pages the user may open."""
    if _has(user, VIEW, MANAGE):
        return Session.objects.all()
    return Session.objects.filter(owner_id=user.pk) if user.is_active else Session.objects.none()
