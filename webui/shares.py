"""The shares of a session as its owner sees them, who else looks at it now, and what others have shared with a user."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from remote_service import access, guests
from remote_service.models import Guest, Session, Share, ShareHolder
from remote_service.share_rules import Audience
from remote_service.states import State
from webui import words
from webui.session_cards import owner_words


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who accepted a share."""

    name: str
    watching: bool


@dataclass(frozen=True, slots=True)
class ShownShare:
    """A share that counts."""

    pk: uuid.UUID
    whom: str
    control: bool
    until: datetime | None
    uses_left: str
    """Empty when that does not matter."""
    holders: tuple[Holder, ...]


@dataclass(frozen=True, slots=True)
class Watcher:
    """Somebody other than the owner who looks at this moment."""

    name: str
    why: str
    """What one of the staff said; empty for who was let in by a share."""
    key: str
    """Tells two of one name apart."""


@dataclass(frozen=True, slots=True)
class SharedCard:
    """Somebody else's session that was shared with the user; equal ones look the same."""

    pk: uuid.UUID
    name: str
    type_name: str
    """Empty when it is the name already."""
    owner: str
    state: str
    state_words: str
    control: bool
    until: datetime | None


def shares_of(session: Session, now: datetime) -> tuple[ShownShare, ...]:
    """Those that were neither revoked nor have expired; none when the session is over. Three queries."""
    if session.over:
        return ()
    found = session.shares.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)
    shares = list(found.select_related("user", "group"))
    watching = _watching(session)
    holders: defaultdict[uuid.UUID, list[Holder]] = defaultdict(list)
    for held in ShareHolder.objects.filter(share__in=shares).select_related("user", "guest"):
        name = person_words(held.user, held.guest)
        holders[held.share_id].append(Holder(name, (held.user_id or held.guest_id) in watching))
    return tuple(
        ShownShare(share.pk, whom(share), share.control, share.expires_at, _uses_left(share), tuple(holders[share.pk]))
        for share in shares
    )


def watchers_of(session: Session) -> tuple[Watcher, ...]:
    """All but the owner who look now, staff with what they said; by name."""
    watching = _watching(session)
    watching.pop(session.owner_id or 0, None)
    reasons: dict[int | uuid.UUID, str] = {}
    held = set(ShareHolder.objects.filter(share__session=session).values_list("user_id", flat=True))
    users = [key for key in watching if isinstance(key, int)]
    for user_id, reason in session.staff_looks.filter(user__in=users).values_list("user_id", "reason"):
        if user_id not in held:
            reasons[user_id] = reason
    found = (Watcher(name, reasons.get(key, ""), str(key)) for key, name in watching.items())
    return tuple(sorted(found, key=lambda watcher: (watcher.name, watcher.key)))


def _watching(session: Session) -> dict[int | uuid.UUID, str]:
    """The users and guests whose viewers are open, with what they are called. One query."""
    found = session.viewers.filter(closed_at=None).exclude(user=None, guest=None).select_related("user", "guest")
    return {viewer.user_id or viewer.guest_id or 0: person_words(viewer.user, viewer.guest) for viewer in found}


def person_words(user: User | None, guest: Guest | None) -> str:
    """What somebody is called: a user by name, a guest so that nobody takes them for one; empty for nobody."""
    if user is not None:
        return user.get_username()
    return words.translated(guests.called(guest)) if guest is not None else ""


def whom(share: Share) -> str:
    """For whom a share is."""
    if share.audience == Audience.USER and share.user is not None:
        return share.user.get_username()
    if share.audience == Audience.GROUP and share.group is not None:
        return _("the group %(name)s") % {"name": share.group.name}
    if share.audience == Audience.GUESTS:
        return _("guests, and all who have the link")
    return _("all who have the link")


def _uses_left(share: Share) -> str:
    if share.most_uses is None or share.audience == Audience.USER:
        return ""
    left = max(0, share.most_uses - share.uses)
    return ngettext("%(count)d more may accept it", "%(count)d more may accept it", left) % {"count": left}


def shared_cards(user: User) -> tuple[SharedCard, ...]:
    """The live sessions of others that the user was let in to, the newest first."""
    shares = access.shared_with(user).values()
    others = [share for share in shares if share.session.owner_id != user.pk]
    return tuple(_card(share) for share in sorted(others, key=lambda share: share.session.created_at, reverse=True))


def guest_cards(browser: str | None) -> tuple[SharedCard, ...]:
    """The live sessions that a browser is a guest of, by the key of its session."""
    shares = [share for guest in guests.guests_by(browser) for share in access.shared_with(guest).values()]
    return tuple(_card(share) for share in shares)


def _card(share: Share) -> SharedCard:
    session = share.session
    ending = session.state == State.STOPPING or session.wanted == "stop"
    state = State.STOPPING if ending else State(session.state)
    return SharedCard(
        pk=session.pk,
        name=session.name,
        type_name=session.type_name if session.title else "",
        owner=owner_words(session),
        state=state,
        state_words=words.state_words(state),
        control=share.control,
        until=share.expires_at,
    )
