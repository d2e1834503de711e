"""Each type's slots as the dashboard lists them: free, used, in quarantine; and what is drained."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.utils import timezone

from remote_service.models import Drain, Session, SessionEvent, SessionType
from remote_service.reservations import drain_of
from webui import words
from webui.session_cards import owner_words

MOST_QUARANTINED = 100


@dataclass(frozen=True, slots=True)
class SlotRow:
    """One type."""

    name: str
    total: int
    free: int
    used: int
    quarantined: int
    drain: Drain | None
    """What keeps new sessions from it: a drain of its own, or of its host."""

    @property
    def own_drain(self) -> bool:
        """Whether the type itself is drained."""
        return self.drain is not None and self.drain.kind == Drain.Kind.TYPE


def list_slots(drains: list[Drain]) -> list[SlotRow]:
    """The types in the order of the sessions file; an index beyond a type's count belongs to an older file.
    Two queries."""
    holding = Session.objects.holding_slots().filter(tile=0).order_by()
    taken: Counter[tuple[str, bool]] = Counter()
    types = list(SessionType.objects.all())
    counts = {row.name: row.definition.count for row in types}
    for name, index, quarantined in holding.values_list("type_name", "index", "quarantined"):
        if index < counts.get(name, 0):
            taken[name, quarantined] += 1
    return [
        SlotRow(
            name=row.name,
            total=counts[row.name],
            free=counts[row.name] - taken[row.name, False] - taken[row.name, True],
            used=taken[row.name, False],
            quarantined=taken[row.name, True],
            drain=drain_of(row, drains),
        )
        for row in types
    ]


def list_quarantined() -> list[dict[str, object]]:
    """Sessions whose slot nobody may have, with why; two queries."""
    found = list(Session.objects.filter(quarantined=True).order_by("type_name", "index")[:MOST_QUARANTINED])
    told = SessionEvent.objects.filter(session__in=[one.pk for one in found], what="quarantined")
    why = dict(told.order_by("at").values_list("session_id", "why"))
    now = timezone.now()
    return [
        {
            "session": one,
            "why": words.stored_words(why.get(one.pk, "")),
            "owner": owner_words(one),
            "since": words.ago(one.ended_at or one.state_since, now),
        }
        for one in found
    ]
