"""Checks what a user, or a REST client, gave for a launch: the size, the form's fields, and further options.

All values that reach the script are text: what was entered, with blanks around a number removed, and "true"
or "false" for a checkbox. An empty text counts as not entered, except in a text field.

A browser sends nothing for a box that is not ticked, which would mean "as the default": a page puts a hidden
input of the same name with the value "false" before each box.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

from remote_service.config.form_values import clean_value, expectation, initial_text, same_value
from remote_service.config.schema import FormField, SessionType
from remote_service.config.values import MAX_SIZE_TEXT, MAX_TEXT, is_printable
from remote_service.config.words import as_json, closest, one_of
from remote_service.texts import joined
from remote_service.texts import sentence as _

NEVER_PASSED_ON = "security_token"
"""The one name of a REST query that is no option: it is dropped without a word."""


@dataclass(frozen=True, slots=True)
class CleanOptions:
    """What `start(options=…)` may be given, and what is wrong with the rest."""

    options: dict[str, str]
    """`size`, the fields that are shown, then the further ones; without those that have an error."""
    errors: dict[str, str]
    """Name to one sentence for the user. Empty: the launch may go ahead."""


def clean_options(type: SessionType, raw: Mapping[str, str], *, unknown_allowed: bool, free_size: bool) -> CleanOptions:
    """Checks launch options against a session type.

    Args:
        type: from the loader, so that its form's conditions lead to fields that exist, and not in circles.
        raw: what was given, by name. A field that its `show_if` hides is dropped, whatever was given for it.
        unknown_allowed: whether names that are no field's are passed on (REST) or are errors (web form).
        free_size: whether any printable size will do (REST), or only one of the type's menu (web form).
    """
    options: dict[str, str] = {}
    errors: dict[str, str] = {}
    size = raw.get("size") or type.sizes[0]
    if _is_size(type, size, free_size):
        options["size"] = size
    else:
        expected = f"1 to {MAX_SIZE_TEXT} printable characters" if free_size else one_of(type.sizes)
        errors["size"] = _sentence(_("Size"), size, expected)
    fields = _clean_fields(type.form, raw, errors)
    options |= {field.name: fields[field.name] for field in type.form if field.name in fields}
    own_names = ["size", *(field.name for field in type.form)]
    for name, value in raw.items():
        if name in own_names or (unknown_allowed and name == NEVER_PASSED_ON):
            continue
        fault = _fault_of_further(name, value) if unknown_allowed else _unknown(name, own_names)
        if fault:
            errors[name] = fault
        else:
            options[name] = value
    return CleanOptions(options, errors)


def _is_size(type: SessionType, size: str, free_size: bool) -> bool:
    if free_size:
        return is_printable(size) and len(size) <= MAX_SIZE_TEXT
    return size in type.sizes


def _clean_fields(fields: Sequence[FormField], raw: Mapping[str, str], errors: dict[str, str]) -> dict[str, str]:
    """The values of the fields that are shown; what is wrong with others goes into `errors`."""
    by_name = {field.name: field for field in fields}
    values: dict[str, str] = {}
    for name in TopologicalSorter({field.name: field.show_if for field in fields}).static_order():
        field = by_name[name]
        if not _is_shown(field, by_name, values):
            continue
        entered = raw.get(name)
        if entered is None or (field.type != "text" and not entered.strip()):
            entered = initial_text(field)
        value = None if entered is None else clean_value(field, entered)
        if value is None:
            errors[name] = _sentence(field.label, entered, expectation(field))
        else:
            values[name] = value
    return values


def _is_shown(field: FormField, by_name: Mapping[str, FormField], values: Mapping[str, str]) -> bool:
    """Whether each field that it depends on has a value, and one of those named."""
    return all(
        name in values and any(same_value(by_name[name], values[name], value) for value in wanted)
        for name, wanted in field.conditions.items()
    )


def _fault_of_further(name: str, value: str) -> str | None:
    if not is_printable(name) or len(name) > MAX_TEXT:
        return f"The name of an option: found {as_json(name)}; expected 1 to {MAX_TEXT} printable characters."
    if not value.isprintable() or len(value) > MAX_TEXT:
        return _sentence(name, value, f"at most {MAX_TEXT} printable characters")
    return None


def _unknown(name: str, known: Sequence[str]) -> str:
    near = closest(name, known)
    return joined(
        _("There is no option %(name)s; expected %(expected)s.", name=as_json(name), expected=one_of(known)),
        _("Did you mean %(name)s?", name=as_json(near)) if near else "",
    )


def _sentence(label: str, entered: str | None, expected: str) -> str:
    if not entered:
        return _("%(label)s: nothing was entered; expected %(expected)s.", label=label, expected=expected)
    found = as_json(entered)
    return _("%(label)s: found %(found)s; expected %(expected)s.", label=label, found=found, expected=expected)
