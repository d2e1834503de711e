"""How long a session may go on, as its page tells it: each limit with what is left of it; and what it may use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.timesince import timeuntil
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from remote_service.config.byte_sizes import in_words
from remote_service.models import Session
from remote_service.states import State
from webui import words


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """One limit: what it is about, when it ends the session, and how long that is from now."""

    words: str
    until: datetime
    left: str


def time_limits(session: Session, now: datetime, *, was_viewed: bool) -> tuple[TimeLimit, ...]:
    """The limits that count for a session as it is now, the next first; none when it is ending or over.

    Args:
        session: which one.
        now: the present moment.
        was_viewed: whether anybody has looked at it yet.
    """
    limits = session.limits
    found: list[tuple[str, datetime, float | None]] = []
    if session.state == State.RESERVED:
        found = [(_("It is given back unless it is opened"), session.state_since, limits.reservation_timeout)]
    elif session.state == State.STARTING:
        found = [(_("Its start is given up"), session.state_since, limits.start_timeout)]
    elif session.state == State.RUNNING:
        began = session.running_at or session.state_since
        found = [
            (_("It has run for as long as it may"), began, session.lifetime),
            (
                _("Nobody has used keyboard or pointer for too long"),
                session.last_input_at or began,
                limits.idle_timeout,
            ),
        ]
        if not was_viewed and session.on_last_disconnect != "keep":
            found.append((_("It ends unless somebody opens it"), began, limits.reservation_timeout))
    ends = [(text, since + timedelta(seconds=limit)) for text, since, limit in found if limit is not None]
    return tuple(TimeLimit(text, end, left_words(end, now)) for text, end in sorted(ends, key=lambda one: one[1]))


def left_words(until: datetime, now: datetime) -> str:
    """How long it is until then, in its one or two largest units."""
    if until - now < timedelta(minutes=1):
        return _("in less than a minute")
    return _("in %(duration)s") % {"duration": timeuntil(until, now)}


def leaving(session: Session) -> str:
    """What becomes of a live session when nobody looks at it any more."""
    return words.leaving_words(session.on_last_disconnect, session.limits.linger)


def may_use(session: Session) -> tuple[str, ...]:
    """What the session may use of its machine at most, as far as that is limited."""
    limits = session.limits
    found = []
    if limits.memory is not None:
        found.append(_("%(amount)s of memory") % {"amount": in_words(limits.memory)})
    if limits.cpus is not None:
        processors = ngettext("%(count)s processor", "%(count)s processors", 1 if limits.cpus == 1 else 2)
        found.append(processors % {"count": f"{limits.cpus:g}"})
    if limits.tasks is not None:
        found.append(_("%(count)s processes and threads") % {"count": limits.tasks})
    return tuple(found)
