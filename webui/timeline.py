"""What happened to a session, as its page tells it: in words, by whom, why, when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from remote_service.guests import CALLED
from remote_service.models import Session, SessionEvent
from remote_service.states import Event
from remote_service.texts import recognised
from webui.words import stored_words, translated

EVENT_WORDS: dict[str, Promise] = {
    "reserved": gettext_lazy("A slot was reserved"),
    "start asked": gettext_lazy("Its start was asked for"),
    Event.LAUNCH: gettext_lazy("Its start began"),
    Event.QUEUE: gettext_lazy("It was put into the cluster's queue"),
    Event.REACH: gettext_lazy("Its screen was there"),
    "viewer opened": gettext_lazy("A viewer came"),
    "viewer refused": gettext_lazy("A viewer was refused"),
    "shared": gettext_lazy("A link to it was made"),
    "share accepted": gettext_lazy("A link to it was accepted"),
    "share refused": gettext_lazy("A link to it was refused"),
    "share revoked": gettext_lazy("A link to it was revoked"),
    "control given": gettext_lazy("Control was handed over"),
    "control taken back": gettext_lazy("Control was taken back"),
    "sent away": gettext_lazy("Somebody was sent away"),
    "let in again": gettext_lazy("Somebody was let in again"),
    "staff looks": gettext_lazy("Staff looks at it"),
    "endpoint refused": gettext_lazy("Its endpoint was refused"),
    "unprotected": gettext_lazy("Its VNC server asked for no password"),
    "end near": gettext_lazy("Its users were warned that it ends soon"),
    "kept": gettext_lazy("It was kept from ending"),
    "stop asked": gettext_lazy("Its end was asked for"),
    "declared ended": gettext_lazy("Staff declared that it had ended"),
    Event.STOP: gettext_lazy("Its end began"),
    Event.FINISH: gettext_lazy("It had ended"),
    Event.FAIL: gettext_lazy("It had failed"),
    Event.DROP: gettext_lazy("It was given back before anything was started"),
    "found again": gettext_lazy("It was found again"),
    "runner replaced": gettext_lazy("The process that held it had ended; another one took its place"),
    "unknown": gettext_lazy("Nobody could tell whether it lived"),
    "known again": gettext_lazy("It was known again that it lived"),
    "stop failed": gettext_lazy("Its script failed to stop it"),
    "quarantined": gettext_lazy("Its slot was put out of service"),
    "released from quarantine": gettext_lazy("Its slot was put back into service"),
}
"""Kind of event to what the page calls it; a kind that is missing is shown as it is stored."""

FOR_STAFF = frozenset({Event.LAUNCH, Event.REACH, "stop failed", "unprotected"})
"""Kinds whose reason tells of the site's machines and of our own doings, and helps no user."""

OF_PEOPLE = frozenset({"declared ended"})
"""Kinds whose reason somebody wrote."""

MOST = 200
"""Events of a session that are listed: the newest."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event."""

    at: datetime
    words: str
    who: str
    why: str
    address: str
    """From where it was asked for; empty for those who are not told."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The events, the oldest first."""

    happenings: tuple[Happening, ...]
    left_out: int
    """How many before them are not listed."""


def timeline(session: Session, *, addresses: bool) -> Timeline:
    """A session's events. Two queries at most.

    Args:
        session: which one.
        addresses: whether who reads it may know from where people came, and where the session is reached.
    """
    found = list(session.events.order_by("-at", "-id")[: MOST + 1])
    left_out = session.events.count() - MOST if len(found) > MOST else 0
    return Timeline(tuple(_happening(event, addresses) for event in reversed(found[:MOST])), left_out)


def _happening(event: SessionEvent, addresses: bool) -> Happening:
    return Happening(
        at=event.at,
        words=str(EVENT_WORDS.get(event.what, event.what.capitalize())),
        who=_who(event),
        why=_why(event) if addresses or event.what not in FOR_STAFF else "",
        address=event.address if addresses else "",
    )


def _why(event: SessionEvent) -> str:
    return event.why if event.what in OF_PEOPLE else stored_words(event.why)


def _who(event: SessionEvent) -> str:
    """Who did it; the server's own doings are nobody's."""
    if event.who:
        guest = recognised(event.who, CALLED)
        return event.who if guest is None else translated(guest)
    return "" if event.door == "supervisor" else _("somebody without a login")
