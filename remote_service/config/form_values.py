"""The values of a launch form's field: which texts it accepts, and how a message says so.

What reaches a script is always text: of a number the digits as they were entered, of a checkbox "true" or
"false".
"""

from __future__ import annotations

import re

from remote_service.config.schema import FormField
from remote_service.config.values import MAX_TEXT, Scalar
from remote_service.config.words import one_of
from remote_service.texts import counted as ngettext
from remote_service.texts import joined
from remote_service.texts import sentence as _

_NUMBER = re.compile(r"-?(\d+(\.\d+)?|\.\d+)", re.ASCII)
_CHECKBOX_WORDS = {
    **dict.fromkeys(("true", "on", "yes", "1"), "true"),
    **dict.fromkeys(("false", "off", "no", "0", ""), "false"),
}


def as_text(value: Scalar) -> str:
    """A JSON value as a script gets it: `4` is "4", `4.0` is "4", `true` is "true"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def clean_value(field: FormField, text: str) -> str | None:
    """The text as it reaches the script, or None when the field does not accept it."""
    if field.type == "checkbox":
        return _CHECKBOX_WORDS.get(text.strip().lower())
    if field.type == "choice":
        return text if text in field.choices else None
    if field.type == "number":
        text = text.strip()
        is_number = len(text) <= MAX_TEXT and _NUMBER.fullmatch(text)
        return text if is_number and _within(field, float(text)) else None
    return text if text.isprintable() and _within(field, len(text)) else None


def fits(field: FormField, value: Scalar) -> bool:
    """Whether a value of the sessions file (a default, a condition) has the field's JSON type and range."""
    if field.type == "number":
        is_of_type = isinstance(value, int | float) and not isinstance(value, bool)
    else:
        is_of_type = isinstance(value, bool if field.type == "checkbox" else str)
    return is_of_type and clean_value(field, as_text(value)) is not None


def same_value(field: FormField, text: str, value: Scalar) -> bool:
    """Whether a cleaned text of the field is the value that a condition names; "4.0" is the number 4."""
    if field.type == "number":
        return float(text) == float(value)
    return text == as_text(value)


def initial_text(field: FormField) -> str | None:
    """What the field holds when nothing is entered; None when something must be."""
    if field.default is not None:
        return as_text(field.default)
    if field.type == "number":
        return None
    if field.type == "choice":
        return field.choices[0]
    return "false" if field.type == "checkbox" else ""


def expectation(field: FormField) -> str:
    """What the field accepts, as a clause: "a number from 1 to 64 GB", "at most 20 printable characters"."""
    if field.type == "checkbox":
        return _("true or false")
    if field.type == "choice":
        return one_of(field.choices)
    if field.type == "text":
        return _expected_text(field)
    if field.unit and field.min is None and field.max is None:
        return _("a number of %(unit)s", unit=field.unit)
    return joined(_expected_number(field), field.unit or "")


def _expected_text(field: FormField) -> str:
    low, high = (int(bound or 0) for bound in _bounds(field))
    if low == 0:
        return ngettext(
            "at most %(high)s printable character", "at most %(high)s printable characters", high, high=high
        )
    return ngettext(
        "%(low)s to %(high)s printable character", "%(low)s to %(high)s printable characters", high, low=low, high=high
    )


def _expected_number(field: FormField) -> str:
    low, high = (None if bound is None else as_text(bound) for bound in _bounds(field))
    if low is not None and high is not None:
        return _("a number from %(low)s to %(high)s", low=low, high=high)
    if low is not None:
        return _("a number of at least %(low)s", low=low)
    return _("a number") if high is None else _("a number of at most %(high)s", high=high)


def _bounds(field: FormField) -> tuple[float | None, float | None]:
    if field.type == "text":
        return field.min, MAX_TEXT if field.max is None else field.max
    return field.min, field.max


def _within(field: FormField, number: float) -> bool:
    low, high = _bounds(field)
    return (low is None or number >= low) and (high is None or number <= high)
