"""The admins' page has every environment variable, with its default, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import AliasChoices

from sessions_config.environment import BASE_DIR, Environment
from tests.unit.docs.pages import ADMINS, README, ROOT, SCRIPTS, table


def rows() -> dict[str, list[str]]:
    return {row[0].strip("`"): row for row in table(ADMINS, "variable | type | default")}


def variables() -> dict[str, str]:
    """The variables and their defaults as the table writes them."""
    found = {}
    for field in Environment.model_fields.values():
        alias = field.validation_alias
        name = alias.choices[0] if isinstance(alias, AliasChoices) else alias
        found[str(name)] = as_text(field.default)
    return found


def as_text(default: object) -> str:
    if default in ("", (), None):
        return "empty"
    if isinstance(default, bool):
        return f"`{int(default)}`"
    if isinstance(default, tuple) and all(isinstance(item, str) for item in default):
        return f"`{','.join(default)}`"
    if isinstance(default, tuple):
        return ":".join(as_text(item) for item in default)
    if isinstance(default, Path):
        return f"`{default.relative_to(BASE_DIR)}`"
    return f"`{default}`"


def test_it_has_every_variable_with_its_default() -> None:
    assert {name: row[2] for name, row in rows().items()} == variables()


def test_no_page_speaks_of_a_variable_that_is_not_there() -> None:
    known = {*variables(), "REMOTE_SERVICE_SESSION"}
    for page in (README, SCRIPTS, ADMINS, ROOT / "docs" / "nginx.conf", ROOT / "docs" / "remote-session.service"):
        named = set(re.findall(r"\bREMOTE_SERVICE_[A-Z_]+", page.read_text()))
        assert named <= known, page.name
