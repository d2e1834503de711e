"""The README's tables of the sessions file hold every key of the schema, with its default, and no other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from remote_service.config.schema import DEFAULT_SIZES, FormField, KnownOptions, Limits, SessionType, ViewerPolicy
from remote_service.config.values import MAX_COUNT, RESERVED_NAMES
from tests.unit.docs.pages import README, tables
from webui.icons import DEFAULT_ICON, TYPE_ICONS

IN_WORDS = {
    (KnownOptions, "sizes"): "see below",
    (SessionType, "limits"): "`{}`",
    (SessionType, "viewer_policy"): "`{}`",
    (FormField, "label"): "its `name`",
}
"""Defaults that the tables say in their own way."""


def rows_of(first_key: str) -> dict[str, list[str]]:
    """The rows, by key, of the table that begins with this key."""
    (found,) = [rows[1:] for rows in tables(README) if len(rows) > 1 and rows[1][0] == f"`{first_key}`"]
    return {row[0].strip("`"): row for row in found}


def default_of(model: type[BaseModel], key: str) -> str:
    field = model.model_fields[key]
    if (model, key) in IN_WORDS:
        return IN_WORDS[model, key]
    if field.default is PydanticUndefined:
        return "required"
    default: Any = int(field.default) if isinstance(field.default, float) else field.default
    return f"`{json.dumps(default)}`"


TABLES = [
    (SessionType, "script", 2),
    (KnownOptions, "sizes", 2),
    (Limits, "reservation_timeout", 1),
    (ViewerPolicy, "view_only", 2),
]


@pytest.mark.parametrize(("model", "first", "column"), [*TABLES, (FormField, "name", 2)])
def test_it_holds_every_key_with_its_default(model: type[BaseModel], first: str, column: int) -> None:
    keys = [key for key in model.model_fields if not (model is SessionType and key == "name")]
    assert {key: row[column] for key, row in rows_of(first).items()} == {key: default_of(model, key) for key in keys}


def test_the_default_menu_of_sizes_is_there() -> None:
    assert f"Without `sizes` the menu is {', '.join(DEFAULT_SIZES)}." in README.read_text()


def test_the_greatest_count_is_there() -> None:
    assert rows_of("script")["count"][1] == f"whole number, 1 to {MAX_COUNT}"


def test_every_icon_is_there_and_no_other() -> None:
    *all_but_last, last = [f"`{icon}`" for icon in TYPE_ICONS]
    said = f"{', '.join(all_but_last)} or {last}; a {DEFAULT_ICON} otherwise"
    assert rows_of("script")["icon"][3] == said


def test_the_names_that_a_field_cannot_have_are_there() -> None:
    said = ", ".join(f"`{name}`" for name in RESERVED_NAMES)
    assert rows_of("name")["name"][3].endswith(f"not {said}")
