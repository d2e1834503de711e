"""Session types as the picker offers them, with their free slots. A fixed number of queries for any number of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from remote_service import access
from remote_service.config.schema import SessionType as Definition
from remote_service.models import Drain, Session, SessionType, Site
from remote_service.reservations import drain_of
from webui import words
from webui.launching import fitting_options
from webui.remembered import last_entered

Entered = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A launch that was refused: of which type, what had been entered, and why."""

    type_name: str
    message: str
    entered: Entered = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    """Option to sentence; an option without a field is told with the message."""
    title: str = ""
    title_error: str = ""


@dataclass(frozen=True, slots=True)
class Slots:
    """How many slots a type has, how many of them are free, and how many are in quarantine."""

    total: int
    free: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class TypeCard:
    """One type that the user may use."""

    row: SessionType
    definition: Definition
    free: int
    slots: str
    closed: str
    """Why no session of it can be started now; empty when one can."""
    startable: bool
    entered: Entered
    errors: Entered
    title: str
    title_error: str
    touched: bool
    """Somebody has entered something, which nothing but they may change."""


@dataclass(frozen=True, slots=True)
class Category:
    """Types that stand together; those without a category have the name ""."""

    name: str
    cards: tuple[TypeCard, ...]


def list_types(
    user: User, refusal: Refusal | None = None, *, only: str | None = None, switched_on: bool | None = None
) -> tuple[TypeCard, ...]:
    """The types that the user may use, in the order of the sessions file; forms hold what was entered last.

    Args:
        user: who looks.
        refusal: a launch that was refused: its form is as it was entered.
        only: the one type that is wanted; all unless given.
        switched_on: the site's switch, for who has read it already.
    """
    rows = [row for row in access.usable_types(user) if only is None or row.name == only]
    slots = _slots({row.name: row.definition.count for row in rows})
    drains = list(Drain.objects.all())
    last = last_entered(user, [row.name for row in rows if row.definition.form or len(row.definition.sizes) > 1])
    on = Site.load().external_sessions_enabled if switched_on is None else switched_on
    return tuple(_card(row, slots[row.name], _closed(row, drains), on, last.get(row.name, {}), refusal) for row in rows)


def by_category(cards: Iterable[TypeCard]) -> tuple[Category, ...]:
    """The cards in groups, in the order in which categories come first; those without one are last."""
    named = dict.fromkeys(card.definition.category or "" for card in cards)
    order = {name: place for place, name in enumerate(sorted(named, key=lambda name: name == ""))}
    ordered = sorted(cards, key=lambda card: order[card.definition.category or ""])
    return tuple(
        Category(name, tuple(found)) for name, found in groupby(ordered, lambda card: card.definition.category or "")
    )


def _slots(counts: Mapping[str, int]) -> dict[str, Slots]:
    """The slots of each type; an index beyond the count belongs to an older sessions file."""
    holding = Session.objects.holding_slots().filter(tile=0).order_by().values_list("type_name", "index", "quarantined")
    found = [(name, quarantined) for name, index, quarantined in holding if index < counts.get(name, 0)]
    taken = Counter(name for name, _ in found)
    out = Counter(name for name, quarantined in found if quarantined)
    return {name: Slots(total, total - taken[name], out[name]) for name, total in counts.items()}


def _closed(row: SessionType, drains: list[Drain]) -> str:
    drain = drain_of(row, drains) if drains else None
    return "" if drain is None else drain.text or _("It takes no new sessions at the moment.")


def _card(row: SessionType, slots: Slots, closed: str, on: bool, last: Entered, refusal: Refusal | None) -> TypeCard:
    refused = refusal if refusal is not None and refusal.type_name == row.name else None
    return TypeCard(
        row=row,
        definition=row.definition,
        free=slots.free,
        slots=words.slots_words(slots.free, slots.total, slots.quarantined),
        closed=closed,
        startable=on and not closed,
        entered=refused.entered if refused else fitting_options(row.definition, last),
        errors=refused.errors if refused else {},
        title=refused.title if refused else "",
        title_error=refused.title_error if refused else "",
        touched=refused is not None,
    )
