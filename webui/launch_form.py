"""A type's launch form as the page shows it: what each field holds, and what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from remote_service.config.form_values import as_text, initial_text
from remote_service.config.schema import FormField
from remote_service.config.schema import SessionType as Definition
from remote_service.config.values import MAX_TEXT
from remote_service.models import MOST_TITLE
from webui.launching import FIELD_PREFIX


@dataclass(frozen=True, slots=True)
class ShownField:
    """One field of a form, filled in."""

    field: FormField
    id: str
    """The element's id; those of its help and its message are made from it."""
    value: str
    error: str

    @property
    def html_name(self) -> str:
        """Its name in what is posted."""
        return f"{FIELD_PREFIX}{self.field.name}"

    @property
    def checked(self) -> bool:
        """Whether a checkbox is ticked."""
        return self.value == "true"

    @property
    def unit(self) -> str:
        """What it counts, unless its label says that already."""
        unit = self.field.unit or ""
        return "" if unit.casefold() == self.field.label.casefold() else unit

    @property
    def required(self) -> bool:
        """Whether it cannot be left empty."""
        return initial_text(self.field) is None or (self.field.type == "text" and bool(self.field.min))

    @property
    def low(self) -> str:
        """The least number, or number of characters, as an attribute; empty for none."""
        return "" if self.field.min is None else as_text(self.field.min)

    @property
    def high(self) -> str:
        """The greatest, likewise."""
        if self.field.max is not None:
            return as_text(self.field.max)
        return str(MAX_TEXT) if self.field.type == "text" else ""

    @property
    def condition(self) -> str:
        """JSON for the page's script: other fields' names, each with the values that show this one; or empty."""
        conditions = {name: [as_text(value) for value in values] for name, values in self.field.conditions.items()}
        return json.dumps(conditions) if conditions else ""

    @property
    def described_by(self) -> str:
        """The ids of its help and its message."""
        parts = [f"{self.id}-help"] if self.field.help else []
        return " ".join([*parts, f"{self.id}-error"] if self.error else parts)


@dataclass(frozen=True, slots=True)
class LaunchForm:
    """A type's form: the session's name, the size menu and its fields."""

    id: str
    title: str
    title_error: str
    sizes: tuple[str, ...]
    size: str
    size_error: str
    fields: tuple[ShownField, ...]

    @property
    def most_title(self) -> int:
        """Characters of the session's name."""
        return MOST_TITLE


def launch_form(
    definition: Definition,
    form_id: str,
    entered: Mapping[str, str],
    errors: Mapping[str, str],
    *,
    title: str = "",
    title_error: str = "",
) -> LaunchForm:
    """The form with what was entered, or else the defaults."""
    size = entered.get("size", "")
    return LaunchForm(
        id=form_id,
        title=title,
        title_error=title_error,
        sizes=definition.sizes,
        size=size if size in definition.sizes else definition.sizes[0],
        size_error=errors.get("size", ""),
        fields=tuple(
            ShownField(
                field=field,
                id=f"{form_id}-field-{field.name}",
                value=entered.get(field.name, initial_text(field) or ""),
                error=errors.get(field.name, ""),
            )
            for field in definition.form
        ),
    )
