"""What a share is worth to somebody at a moment: pure rules. Who asks for them is `access`, who acts is `sharing`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from remote_service.texts import sentence as _

REASON_COUNTS = timedelta(hours=8)
"""How long staff may look after having said why."""
MOST_USES = 1000
GUESTS_WITHOUT_A_NUMBER = 100
"""How many may accept a link for guests that was made without a number: nobody without an account does so for ever."""
MOST_GUEST_NAME = 40
"""Characters."""


class Audience(StrEnum):
    """For whom a share is."""

    USER = "user"
    GROUP = "group"
    ANYONE = "anyone"
    """Who is logged in."""
    GUESTS = "guests"
    """Whoever has the link, without an account too."""


class Reach(StrEnum):
    """How far sessions of a type may be shared: the values of the sessions file's key `share`."""

    GROUP = "group"
    """With those who may use the type themselves."""
    OUTSIDE = "outside"
    """With everybody who is logged in, and with guests if the site lets them in."""
    NO = "no"


@dataclass(frozen=True, slots=True)
class Terms:
    """A share as it stands."""

    live: bool
    """Whether its session is not over."""
    audience: Audience
    user_id: int | None = None
    """Of one for a user."""
    group: str = ""
    """Of one for a group."""
    expires_at: datetime | None = None
    revoked: bool = False
    uses_left: int | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is logged in, or a guest."""

    user_id: int | None
    """None for a guest, who has no account."""
    active: bool
    groups: Collection[str]


GUEST = Person(None, active=True, groups=())
"""Any of them."""

NOT_LIVE = _("Its session is over.")
REVOKED = _("It was revoked.")
EXPIRED = _("It has expired.")
USED_UP = _("It was used up.")
NOT_SHARED = _("Sessions of this type are not shared.")
NOT_IN_TYPES_GROUP = _("Who opened it is in no group of the session's type.")
FOR_OTHERS = _("It is for somebody else.")
SENT_AWAY = _("Who opened it was sent away by the owner.")
NO_GUESTS = _("This site lets in nobody without an account.")
REFUSALS = (NOT_LIVE, REVOKED, EXPIRED, USED_UP, NOT_SHARED, NOT_IN_TYPES_GROUP, FOR_OTHERS, SENT_AWAY, NO_GUESTS)


def admits(person: Person, reach: Reach | None, type_groups: Collection[str] | None) -> bool:
    """Whether sessions of a type may be shared with somebody at all; a guest is in no group.

    Args:
        person: who.
        reach: the type's; None when there is no such type any more.
        type_groups: the groups that may use the type; None is everybody.
    """
    if not person.active or reach in (None, Reach.NO):
        return False
    return reach is Reach.OUTSIDE or type_groups is None or not set(type_groups).isdisjoint(person.groups)


def refusal(
    terms: Terms,
    person: Person,
    reach: Reach | None,
    type_groups: Collection[str] | None,
    now: datetime,
    *,
    guests: bool = False,
) -> str:
    """Why the share is worth nothing to somebody now; empty when it is worth something.

    Whether it was used up is asked only when somebody accepts it: see `use_refusal`. `guests` says whether the site
    lets in people without an account; where it does not, a share for them is worth nothing to anybody.
    """
    if not terms.live:
        return NOT_LIVE
    if terms.revoked:
        return REVOKED
    if terms.expires_at is not None and now >= terms.expires_at:
        return EXPIRED
    if reach in (None, Reach.NO):
        return NOT_SHARED
    if terms.audience is Audience.GUESTS and not guests:
        return NO_GUESTS
    if not _is_for(terms, person):
        return FOR_OTHERS
    return "" if admits(person, reach, type_groups) else NOT_IN_TYPES_GROUP


def use_refusal(terms: Terms) -> str:
    """Why nobody else can accept it; empty when somebody can."""
    return USED_UP if terms.uses_left == 0 else ""


def _is_for(terms: Terms, person: Person) -> bool:
    if terms.audience is Audience.GUESTS:
        return True
    if person.user_id is None:
        return False
    if terms.audience is Audience.USER:
        return terms.user_id == person.user_id
    return terms.audience is Audience.ANYONE or terms.group in person.groups
