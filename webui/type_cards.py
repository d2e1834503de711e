"""Session types as the picker offers them, with their free slots. Four queries for any number of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.contrib.auth.models import User

from remote_service import access
from remote_service.config.schema import SessionType as Definition
from remote_service.models import Session, SessionType
from webui import words
from webui.icons import type_icon
from webui.launch_form import LaunchForm, launch_form


@dataclass(frozen=True, slots=True)
class Refusal:
    """A launch that was refused: of which type, what had been entered, and why."""

    type_name: str
    message: str
    entered: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    """Option to sentence; an option without a field is told with the message."""


@dataclass(frozen=True, slots=True)
class Slots:
    """How many slots a type has, how many of them are free, and how many are in quarantine."""

    total: int
    free: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class TypeCard:
    """One type that can be started."""

    row: SessionType
    definition: Definition
    icon: str
    free: int
    slots: str
    form: LaunchForm


def list_types(user: User, refusal: Refusal | None = None) -> tuple[TypeCard, ...]:
    """The types that the user may use, in the order of the sessions file; a refused form as it was entered."""
    types = [(row, row.definition) for row in access.usable_types(user)]
    slots = _slots({row.name: definition.count for row, definition in types})
    return tuple(_card(row, definition, slots[row.name], refusal) for row, definition in types)


def _slots(counts: Mapping[str, int]) -> dict[str, Slots]:
    """The slots of each type; an index beyond the count belongs to an older sessions file."""
    holding = Session.objects.holding_slots().filter(tile=0).order_by().values_list("type_name", "index", "quarantined")
    found = [(name, quarantined) for name, index, quarantined in holding if index < counts.get(name, 0)]
    taken = Counter(name for name, _ in found)
    out = Counter(name for name, quarantined in found if quarantined)
    return {name: Slots(total, total - taken[name], out[name]) for name, total in counts.items()}


def _card(row: SessionType, definition: Definition, slots: Slots, refusal: Refusal | None) -> TypeCard:
    refused = refusal is not None and refusal.type_name == row.name
    return TypeCard(
        row=row,
        definition=definition,
        icon=type_icon(definition.icon),
        free=slots.free,
        slots=words.slots_words(slots.free, slots.total, slots.quarantined),
        form=launch_form(
            definition,
            f"type-{row.pk}",
            refusal.entered if refusal and refused else {},
            refusal.errors if refusal and refused else {},
        ),
    )
