"""Who may what: the only place where that is decided, for pages, REST and websockets alike."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, Group, User
from django.db.models import QuerySet
from django.utils import timezone

from remote_service import conf
from remote_service.models import Guest, Session, SessionType, Share, ShareHolder, StaffLook, live_states
from remote_service.rfb.policy import Policy
from remote_service.share_rules import (
    GUEST,
    REASON_COUNTS,
    Audience,
    Person,
    Reach,
    Terms,
    refusal,
)
from remote_service.share_rules import (
    admits as admits_to_share,
)

Visitor = AbstractBaseUser | AnonymousUser | User | Guest

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
    """Whether the user may see what is known of the session; its screen is `may_watch`'s."""
    return _owns(user, session) or _has(user, VIEW, MANAGE)


@dataclass(frozen=True, slots=True)
class ScreenRights:
    """What somebody may do at a session's screen."""

    watch: bool
    control: bool
    """Whether what they type and click reaches the session."""


def screen_rights(user: Visitor, session: Session) -> ScreenRights:
    """What the user may do at the session's screen: its owner, who holds a share of it, a guest too, and staff who said
    why.

    Four queries at most for who holds a share, none for the owner.
    """
    if _owns(user, session):
        return ScreenRights(watch=True, control=True)
    held = holding_of(user, session)
    if held is not None and held.control:
        return ScreenRights(watch=True, control=True)
    looks = _looks_with_reason(user, session)
    return ScreenRights(watch=held is not None or looks, control=looks and _has(user, MANAGE))


def may_watch(user: Visitor, session: Session) -> bool:
    """Whether the user may see the session's screen."""
    return screen_rights(user, session).watch


def must_say_why(user: Visitor, session: Session) -> bool:
    """Whether the user may see the session's screen as soon as they have said why."""
    return _has(user, VIEW, MANAGE) and not may_watch(user, session)


def may_stop(user: Visitor, session: Session) -> bool:
    """Whether the user may end the session: its owner, and who may manage any."""
    return _owns(user, session) or _has(user, MANAGE)


def may_control(user: Visitor, session: Session) -> bool:
    """Whether what the user types and clicks reaches the session."""
    return screen_rights(user, session).control


def may_share(user: Visitor, session: Session) -> bool:
    """Whether the user may let others in: its owner, while it lives, and if its type is shared at all."""
    return _owns(user, session) and not session.over and reach_of(session)[0] not in (None, Reach.NO)


def guests_allowed() -> bool:
    """Whether the site lets in people without an account at all: by a share for guests, to that session's screen."""
    return conf.current().guests


def may_share_with_guests(user: Visitor, session: Session) -> bool:
    """Whether the user may let people without an account in; they are in no group."""
    return guests_allowed() and may_share(user, session) and admits_to_share(GUEST, *reach_of(session))


def may_start(user: Visitor, session: Session) -> bool:
    """Whether the user's coming starts a session that is reserved: who controls it, but no guest."""
    return not isinstance(user, Guest) and may_control(user, session)


def may_keep(user: Visitor, session: Session) -> bool:
    """Whether the user may put off the session's end: likewise."""
    return may_start(user, session)


def may_revoke(user: Visitor, session: Session) -> bool:
    """Whether the user may take shares of the session back."""
    return may_stop(user, session)


def viewer_policy(user: Visitor, session: Session) -> Policy | None:
    """What the user may do at the session's screen, None when they may not see it.

    It is what its type allows all, and only to look without more rights.
    """
    rights = screen_rights(user, session)
    if not rights.watch:
        return None
    allowed = session.viewer_policy
    return allowed if rights.control else replace(allowed, view_only=True)


def may_manage(user: Visitor) -> bool:
    """Whether the user may manage every session of the site."""
    return _has(user, MANAGE)


def types_as_staff(user: Visitor, session: Session) -> bool:
    """Whether what the user types reaches a session that is not theirs, once they have said why they look."""
    return may_manage(user) and not session.viewer_policy.view_only


def _looks_with_reason(user: Visitor, session: Session) -> bool:
    if not isinstance(user, User):
        return False
    # Asked first: permissions cost more, and most who ask have never said why.
    since = timezone.now() - REASON_COUNTS
    said_why = StaffLook.objects.filter(session=session, user=user.pk, at__gt=since).exists()
    return said_why and _has(user, VIEW, MANAGE)


def _owns(user: Visitor, session: Session) -> bool:
    return user.is_authenticated and user.is_active and session.owner_id is not None and session.owner_id == user.pk


def visible_sessions(user: Visitor) -> QuerySet[Session]:
    """The sessions whose pages the user may open."""
    if _has(user, VIEW, MANAGE):
        return Session.objects.all()
    if not isinstance(user, User) or not user.is_active:
        return Session.objects.none()
    return Session.objects.filter(owner=user.pk)


# ---- shares -------------------------------------------------------------------------------------------------


def reach_of(session: Session) -> tuple[Reach | None, tuple[str, ...] | None]:
    """How far the session may be shared, and the groups of its type; None and none when there is no such type now."""
    row = SessionType.objects.filter(name=session.type_name).first()
    return (None, ()) if row is None else (Reach(row.definition.share), row.definition.groups)


def person(user: Visitor) -> Person:
    """Somebody as rules know them; without a login they are a guest, or may become one."""
    return Person(user.pk, user.is_active, group_names(user)) if isinstance(user, User) else GUEST


def terms_of(share: Share) -> Terms:
    """A share as rules know it."""
    return Terms(
        live=not share.session.over,
        audience=Audience(share.audience),
        user_id=share.user_id,
        group=share.group.name if share.group is not None else "",
        expires_at=share.expires_at,
        revoked=share.revoked_at is not None,
        uses_left=None if share.most_uses is None else max(0, share.most_uses - share.uses),
    )


def holding_of(user: Visitor, session: Session) -> ShareHolder | None:
    """By what the user may watch the session that is another's; of several shares the one that gives most."""
    return shared_with(user, only=session).get(session.pk)


def shared_with(user: Visitor, only: Session | None = None) -> dict[uuid.UUID, ShareHolder]:
    """What the user or guest holds of shares that are worth something now, by their session; of each the best.

    Who was sent away holds nothing. Two queries and one for each type; one alone for who holds none.
    """
    if isinstance(user, Guest):
        rows = ShareHolder.objects.filter(guest=user.pk, share__revoked_at=None)
    elif isinstance(user, User) and user.is_active:
        rows = ShareHolder.objects.filter(user=user.pk, share__revoked_at=None)
    else:
        return {}
    rows = rows.filter(share__session__state__in=live_states()) if only is None else rows.filter(share__session=only)
    holdings = list(rows.filter(sent_away_at=None).select_related("share__session", "share__group"))
    if not holdings:
        return {}
    who, now = person(user), timezone.now()
    one_each = {held.share.session.type_name: held.share.session for held in holdings}
    reaches = {name: reach_of(session) for name, session in one_each.items()}
    best: dict[uuid.UUID, ShareHolder] = {}
    for held in holdings:
        reach, groups = reaches[held.share.session.type_name]
        if refusal(terms_of(held.share), who, reach, groups, now, guests=guests_allowed()):
            continue
        if held.share.session_id not in best or held.control:
            best[held.share.session_id] = held
    return best
