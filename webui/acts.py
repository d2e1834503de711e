"""What staff did last, as the dashboard lists it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.template.defaultfilters import capfirst
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from remote_service.models import Session, SessionEvent
from webui.words import stored_words

STAFF_DOORS = ("dashboard", "admin")
"""Through which staff act on pages, in events."""
TERMINAL = "command"
"""Through which they act at a terminal, where an account of the machine is named; a trial of a type names none."""
MOST = 10
ACT_WORDS: dict[str, Promise] = {
    "switch turned": gettext_lazy("Switch turned"),
    "maintenance began": gettext_lazy("Maintenance began"),
    "maintenance ended": gettext_lazy("Maintenance ended"),
    "reload asked": gettext_lazy("Reload asked"),
    "drained": gettext_lazy("Drained"),
    "drain ended": gettext_lazy("Drain ended"),
    "announced": gettext_lazy("Announced"),
    "announcement ended": gettext_lazy("Announcement ended"),
    "user blocked": gettext_lazy("User blocked"),
    "user unblocked": gettext_lazy("User unblocked"),
    "stop asked": gettext_lazy("Stop asked"),
    "declared ended": gettext_lazy("Declared ended"),
    "released from quarantine": gettext_lazy("Released from quarantine"),
    "refused": gettext_lazy("Refused"),
}
"""Kind of event to what the list calls it; a kind that is missing is shown as it is stored."""
_OURS = frozenset({"switch turned", "stop asked"})
"""Kinds whose reason begins with a sentence of ours; of the others staff wrote it."""


@dataclass(frozen=True, slots=True)
class Act:
    """One of them."""

    words: str
    why: str
    who: str
    at: datetime
    session: Session | None
    type_name: str


def last_acts() -> list[Act]:
    """The newest, the newest first. One query."""
    at_a_terminal = Q(door=TERMINAL, what__in=list(ACT_WORDS)) & ~Q(who="")
    of_staff = SessionEvent.objects.filter(Q(door__in=STAFF_DOORS) | at_a_terminal)
    found = of_staff.select_related("session").order_by("-id")[:MOST]
    return [_act(event) for event in found]


def _act(event: SessionEvent) -> Act:
    why = stored_words(event.why) if event.what in _OURS else event.why
    words = str(ACT_WORDS.get(event.what, capfirst(event.what)))
    who = gettext("%(name)s at a terminal") % {"name": event.who} if event.door == TERMINAL else event.who
    return Act(words, why, who, event.at, event.session, event.type_name)
