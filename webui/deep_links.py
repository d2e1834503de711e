"""Links that fill a launch form in: `/launch/My%20type?size=1280x720&field-cores=4`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from remote_service.config.form_values import clean_value
from remote_service.config.schema import SessionType as Definition
from webui.launching import FIELD_PREFIX, TITLE, title_errors

TITLE_IN_LINKS = "title"


@dataclass(frozen=True, slots=True)
class Filled:
    """What a link enters into a form."""

    entered: dict[str, str]
    title: str
    left_out: tuple[str, ...]
    """The parameters that the form has no place for, or whose value it does not take."""


def filled(definition: Definition, parameters: Mapping[str, str]) -> Filled:
    """What the parameters of a link enter into a type's form."""
    fields = {field.name: field for field in definition.form}
    entered: dict[str, str] = {}
    title, left_out = "", []
    for name, text in parameters.items():
        field = fields.get(name.removeprefix(FIELD_PREFIX)) if name.startswith(FIELD_PREFIX) else None
        value = clean_value(field, text) if field else None
        if field is not None and value is not None:
            entered[field.name] = value
        elif name == "size" and text in definition.sizes:
            entered["size"] = text
        elif name in (TITLE, TITLE_IN_LINKS) and not title_errors(text):
            title = text.strip()
        else:
            left_out.append(name)
    return Filled(entered, title, tuple(left_out))
