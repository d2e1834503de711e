"""Tests of the icons: what is listed is drawn, and what is drawn is listed."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from webui.icons import DEFAULT_ICON, PAGE_ICONS, TYPE_ICONS, type_icon
from webui.storage import OWN_STATIC

SPRITE = OWN_STATIC / "webui" / "icons.svg"


def test_the_sprite_holds_exactly_the_listed_symbols() -> None:
    symbols = ElementTree.parse(SPRITE).getroot().findall("{http://www.w3.org/2000/svg}symbol")
    assert sorted(symbol.attrib["id"] for symbol in symbols) == sorted([*TYPE_ICONS, *PAGE_ICONS])


def test_every_icon_that_a_template_names_is_drawn() -> None:
    templates = (OWN_STATIC.parent / "templates").rglob("*.html")
    named = {name for path in templates for name in re.findall(r'{% icon "([a-z]+)"', path.read_text())}
    assert len(named) > 5
    assert named <= {*TYPE_ICONS, *PAGE_ICONS}


@pytest.mark.parametrize("name", [None, "", "no such icon", "logo", "../logo"])
def test_an_unknown_icon_is_a_monitor(name: str | None) -> None:
    assert type_icon(name) == DEFAULT_ICON == "monitor"


@pytest.mark.parametrize("name", TYPE_ICONS)
def test_a_type_gets_the_icon_that_it_names(name: str) -> None:
    assert type_icon(name) == name
