"""Who was let in to a session, one by one, as its owner sees them: who looks now, and who may control it."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils.translation import gettext as _

from remote_service import access, guests
from remote_service.models import Guest, Session, Share, ShareHolder, StaffLook, Viewer
from remote_service.share_rules import Audience
from webui import words

Key: TypeAlias = "int | uuid.UUID"
"""Of a user, or of a guest."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody other than the owner who looks, or may."""

    name: str
    key: str
    """Tells two of one name apart."""
    watching: bool
    why: str = ""
    """What one of the staff said; empty for who was let in by a share."""
    holding: int | None = None
    """By which number their rights are changed; None for who holds no share that counts."""
    control: bool = False
    """Whether they may type and click."""
    sent_away: bool = False
    by: tuple[str, ...] = ()
    """For whom the shares are that they accepted, those for many."""


def people_of(session: Session, now: datetime) -> tuple[Person, ...]:
    """Who looks now, staff with what they said, and who else holds a share that counts; each by name. Four queries,
    and two for each of the staff."""
    watching = watching_now(session)
    watching.pop(session.owner_id or 0, None)
    holdings: defaultdict[Key, list[ShareHolder]] = defaultdict(list)
    for held in _holdings(session, now):
        holdings[key_of(held)].append(held)
    looks = _looks(session, watching)
    names = {key: person_words(held[0].user, held[0].guest) for key, held in holdings.items()} | watching
    found = [
        _person(key, name, holdings[key], watching=key in watching)
        if holdings[key]
        else _stranger(key, name, session, looks.get(key))
        for key, name in names.items()
    ]
    return tuple(sorted(found, key=lambda person: (not person.watching, person.name, person.key)))


def _stranger(key: Key, name: str, session: Session, look: StaffLook | None) -> Person:
    """Of somebody who looks without a share that counts: mostly one of the staff."""
    if look is None:
        return Person(name, str(key), watching=True)
    return Person(name, str(key), watching=True, why=look.reason, control=access.types_as_staff(look.user, session))


def _person(key: Key, name: str, holdings: list[ShareHolder], *, watching: bool) -> Person:
    return Person(
        name,
        str(key),
        watching,
        holding=holdings[0].pk,
        control=any(held.control for held in holdings if held.sent_away_at is None),
        sent_away=all(held.sent_away_at for held in holdings),
        by=tuple(dict.fromkeys(whom(held.share) for held in holdings if held.share.audience != Audience.USER)),
    )


def _holdings(session: Session, now: datetime) -> list[ShareHolder]:
    if session.over:
        return []
    found = ShareHolder.objects.filter(counts(now, "share__"), share__session=session, share__revoked_at=None)
    return list(found.select_related("share__user", "share__group", "user", "guest"))


def counts(now: datetime, prefix: str = "") -> Q:
    """Of shares, or of rows that lead to them by `prefix`: those that have not expired."""
    return Q(**{f"{prefix}expires_at": None}) | Q(**{f"{prefix}expires_at__gt": now})


def _looks(session: Session, watching: dict[Key, str]) -> dict[Key, StaffLook]:
    """What those of the staff said last who look."""
    users = [key for key in watching if isinstance(key, int)]
    return {look.user_id: look for look in session.staff_looks.filter(user__in=users).select_related("user")}


def watching_now(session: Session) -> dict[Key, str]:
    """The users and guests whose viewers are open, with what they are called. One query."""
    found = session.viewers.filter(closed_at=None).exclude(user=None, guest=None).select_related("user", "guest")
    return {key_of(viewer): person_words(viewer.user, viewer.guest) for viewer in found}


def key_of(row: ShareHolder | Viewer) -> Key:
    """Whose a row is."""
    return row.user_id or row.guest_id or 0


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
