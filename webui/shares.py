"""The shares of a session as its owner sees them, and what others have shared with a user."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.utils.translation import ngettext

from remote_service import access, guests
from remote_service.models import Session, Share, ShareHolder
from remote_service.share_rules import Audience
from remote_service.states import State
from webui import words
from webui.people import Key, counts, key_of, person_words, watching_now, whom
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
    """Of one that is for one user, that user's."""
    for_many: bool
    until: datetime | None
    uses_left: str
    """Empty when that does not matter."""
    holders: tuple[Holder, ...]


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
    shares = list(session.shares.filter(counts(now), revoked_at=None).select_related("user", "group"))
    watching = watching_now(session)
    holdings: defaultdict[uuid.UUID, list[ShareHolder]] = defaultdict(list)
    for held in ShareHolder.objects.filter(share__in=shares).select_related("share", "user", "guest"):
        holdings[held.share_id].append(held)
    return tuple(_shown(share, holdings[share.pk], watching) for share in shares)


def _shown(share: Share, holdings: Sequence[ShareHolder], watching: Collection[Key]) -> ShownShare:
    for_many = share.audience != Audience.USER
    return ShownShare(
        pk=share.pk,
        whom=whom(share),
        control=share.control if for_many or not holdings else holdings[0].control,
        for_many=for_many,
        until=share.expires_at,
        uses_left=_uses_left(share),
        holders=tuple(Holder(person_words(held.user, held.guest), key_of(held) in watching) for held in holdings),
    )


def _uses_left(share: Share) -> str:
    if share.most_uses is None or share.audience == Audience.USER:
        return ""
    left = max(0, share.most_uses - share.uses)
    return ngettext("%(count)d more may accept it", "%(count)d more may accept it", left) % {"count": left}


def shared_cards(user: User) -> tuple[SharedCard, ...]:
    """The live sessions of others that the user was let in to, the newest first."""
    holdings = access.shared_with(user).values()
    others = [held for held in holdings if held.share.session.owner_id != user.pk]
    return tuple(_card(held) for held in sorted(others, key=lambda held: held.share.session.created_at, reverse=True))


def guest_cards(browser: str | None) -> tuple[SharedCard, ...]:
    """The live sessions that a browser is a guest of, by the key of its session."""
    holdings = [held for guest in guests.guests_by(browser) for held in access.shared_with(guest).values()]
    return tuple(_card(held) for held in holdings)


def _card(held: ShareHolder) -> SharedCard:
    session = held.share.session
    ending = session.state == State.STOPPING or session.wanted == "stop"
    state = State.STOPPING if ending else State(session.state)
    return SharedCard(
        pk=session.pk,
        name=session.name,
        type_name=session.type_name if session.title else "",
        owner=owner_words(session),
        state=state,
        state_words=words.state_words(state),
        control=held.control,
        until=held.share.expires_at,
    )
