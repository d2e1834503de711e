"""Sessions as the picker lists them: one's own, and for staff everybody's. Few queries, however many there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Count
from django.utils.translation import gettext as _

from remote_service import access
from remote_service.models import Session, Viewer, live_states
from remote_service.states import FINAL, State
from webui import words

ENDED_FOR = timedelta(days=1)
"""How long a session stays in its owner's list after its end."""
MOST_ENDED = 50
ENDED_IN_VIEW = 3
"""Of those the newest that are in view at once."""
MOST_OTHERS = 100


@dataclass(frozen=True, slots=True)
class SessionCard:
    """One session in a list."""

    session: Session
    state: str
    age: str
    viewers: str
    owner: str
    may_stop: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """What somebody sees of the site's sessions."""

    live: tuple[SessionCard, ...]
    ended: tuple[SessionCard, ...]
    ended_before: tuple[SessionCard, ...]
    """Those that ended before them, on demand."""
    others: tuple[SessionCard, ...]
    left_out: int
    """How many of the others are not listed."""


def list_sessions(user: User, now: datetime) -> Listing:
    """The user's live sessions and those that ended within a day; staff get the live ones of all others too."""
    own = Session.objects.filter(owner=user)
    live = list(own.live())
    over = own.filter(state__in=[state.value for state in FINAL])
    ended = list(over.filter(ended_at__gt=now - ENDED_FOR).order_by("-ended_at")[:MOST_ENDED])
    all_others = access.visible_sessions(user).exclude(owner=user).filter(state__in=live_states())
    others = list(all_others[: MOST_OTHERS + 1])
    left_out = all_others.count() - MOST_OTHERS if len(others) > MOST_OTHERS else 0
    watched = _viewers_of([*live, *others])
    return Listing(
        live=_cards(live, watched, now, may_stop=True),
        ended=_cards(ended[:ENDED_IN_VIEW], {}, now, may_stop=False),
        ended_before=_cards(ended[ENDED_IN_VIEW:], {}, now, may_stop=False),
        others=_cards(others[:MOST_OTHERS], watched, now, may_stop=access.may_manage(user), with_owner=True),
        left_out=max(0, left_out),
    )


def _viewers_of(sessions: Iterable[Session]) -> dict[object, int]:
    """How many open viewers each has; those without one are missing."""
    open_ones = Viewer.objects.filter(session__in=[session.pk for session in sessions], closed_at=None)
    return dict(open_ones.order_by().values_list("session_id").annotate(Count("pk")))


def _cards(
    sessions: Iterable[Session],
    watched: dict[object, int],
    now: datetime,
    *,
    may_stop: bool,
    with_owner: bool = False,
) -> tuple[SessionCard, ...]:
    return tuple(
        SessionCard(
            session=session,
            state=words.state_words(session.state),
            age=words.ago(session.ended_at or session.created_at, now),
            viewers=words.viewers_words(watched.get(session.pk, 0)),
            owner=owner_words(session) if with_owner else "",
            may_stop=may_stop and session.state != State.STOPPING and not session.over,
        )
        for session in sessions
    )


def owner_words(session: Session) -> str:
    """Whose session it is."""
    if session.owner_id is None and session.door == "rest":
        return _("%(name)s, by REST") % {"name": session.username} if session.username else _("a REST client")
    return session.username or _("nobody")
