"""Sessions as the picker lists them: one's own, and for staff everybody's. Few queries, however many there are."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from remote_service import access
from remote_service.models import Session, Viewer, live_states
from remote_service.states import FINAL, State
from webui import words
from webui.deadlines import Looked, deserted_until, longest_until

ENDED_FOR = timedelta(days=1)
"""How long a session stays in its owner's list after its end."""
MOST_ENDED = 50
ENDED_IN_VIEW = 3
"""Of those the newest that are in view at once."""
MOST_LISTED = 100
"""Live ones, one's own and the others' each."""


@dataclass(frozen=True, slots=True)
class SessionCard:
    """All that one session in a list shows; equal ones look the same."""

    pk: uuid.UUID
    name: str
    type_name: str
    """Empty when it is the name already."""
    state: str
    state_words: str
    progress: str
    ending: str
    owner: str
    """Of somebody else's."""
    host: str
    age: str
    size: str
    viewers: str
    reference: str
    unknown_since: datetime | None
    unknown_reason: str
    longest_until: datetime | None
    deserted_until: datetime | None
    may_open: bool
    may_stop: bool
    may_start_again: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """What somebody sees of the site's sessions."""

    live: tuple[SessionCard, ...]
    live_left_out: int
    """How many of one's own are not listed."""
    ended: tuple[SessionCard, ...]
    ended_before: tuple[SessionCard, ...]
    """Those that ended before them, on demand."""
    others: tuple[SessionCard, ...]
    left_out: int
    """How many of the others are not listed."""


def list_sessions(user: User, now: datetime, startable: Iterable[str] = ()) -> Listing:
    """The user's live sessions and those that ended within a day; staff get the live ones of all others too.

    Args:
        user: who looks.
        now: the present moment.
        startable: the types of which the user may start a session now.
    """
    own = Session.objects.filter(owner=user)
    live, live_left_out = _first(own.live())
    over = own.filter(state__in=[state.value for state in FINAL])
    ended = list(over.filter(ended_at__gt=now - ENDED_FOR).order_by("-ended_at")[:MOST_ENDED])
    others, left_out = _first(access.visible_sessions(user).exclude(owner=user).filter(state__in=live_states()))
    looked = _looked_at([*live, *others])
    again = frozenset(startable)
    may_manage = access.may_manage(user)
    over_cards = tuple(_card(session, [], now, may_start_again=session.type_name in again) for session in ended)
    return Listing(
        live=tuple(_card(session, looked[session.pk], now, may_stop=True) for session in live),
        live_left_out=live_left_out,
        ended=over_cards[:ENDED_IN_VIEW],
        ended_before=over_cards[ENDED_IN_VIEW:],
        others=tuple(
            _card(session, looked[session.pk], now, may_stop=may_manage, owner=owner_words(session))
            for session in others
        ),
        left_out=left_out,
    )


def _first(found: QuerySet[Session]) -> tuple[list[Session], int]:
    """As many as are listed, and how many those are that are not."""
    first = list(found[: MOST_LISTED + 1])
    return first[:MOST_LISTED], found.count() - MOST_LISTED if len(first) > MOST_LISTED else 0


def _looked_at(sessions: Iterable[Session]) -> defaultdict[uuid.UUID, list[Looked]]:
    """The viewers of each that count for its end."""
    looked: defaultdict[uuid.UUID, list[Looked]] = defaultdict(list)
    found = Viewer.objects.filter(session__in=[session.pk for session in sessions], superseded=False)
    for session_id, closed_at, ending in found.values_list("session_id", "closed_at", "ending"):
        looked[session_id].append(Looked(closed_at, ending))
    return looked


def _card(
    session: Session,
    looked: list[Looked],
    now: datetime,
    *,
    owner: str = "",
    may_stop: bool = False,
    may_start_again: bool = False,
) -> SessionCard:
    ending = session.state == State.STOPPING or (session.wanted == "stop" and not session.over)
    limits = session.limits if session.state == State.RUNNING else None
    return SessionCard(
        pk=session.pk,
        name=session.name,
        type_name=session.type_name if session.title else "",
        state=State.STOPPING if ending else session.state,
        state_words=words.state_words(State.STOPPING if ending else session.state),
        progress=session.progress if session.state != State.RUNNING else "",
        ending=words.stored_words(session.ending),
        owner=owner,
        host=session.host,
        age=words.ago(session.ended_at or session.created_at, now),
        size=session.size,
        viewers=words.viewers_words(sum(viewer.closed_at is None for viewer in looked)),
        reference=session.reference,
        unknown_since=session.unknown_since if not session.over else None,
        unknown_reason=words.stored_words(session.unknown_reason),
        longest_until=longest_until(session, limits) if limits and not ending else None,
        deserted_until=deserted_until(session, limits, looked) if limits and not ending else None,
        may_open=not ending and not session.over,
        may_stop=may_stop and not ending,
        may_start_again=may_start_again,
    )


def owner_words(session: Session) -> str:
    """Whose session it is."""
    if session.owner_id is None and session.door == "rest":
        return _("%(name)s, by REST") % {"name": session.username} if session.username else _("a REST client")
    return session.username or _("nobody")
