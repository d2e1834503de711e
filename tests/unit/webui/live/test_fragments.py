"""Tests of fragments: what a browser lacks, and putting parts into their places."""

from __future__ import annotations

import pytest

from webui.live.fragments import assembled, changed, digest, placeholder, stamps

PAGE = {
    "list": f"<ul id=list>{placeholder('a')}{placeholder('b')}</ul>",
    "a": f"<li id=a>{placeholder('foot')}</li>",
    "b": "<li id=b></li>",
    "foot": "<p id=foot></p>",
}


def test_parts_stand_where_their_placeholders_were() -> None:
    assert assembled(PAGE, "list") == "<ul id=list><li id=a><p id=foot></p></li><li id=b></li></ul>"


def test_a_part_that_is_missing_is_a_mistake() -> None:
    with pytest.raises(KeyError, match="foot"):
        assembled({"a": PAGE["a"]}, "a")


def lacking(before: dict[str, str], now: dict[str, str]) -> set[str]:
    return set(changed(now, stamps(now), stamps(before)))


def test_only_what_changed_is_sent() -> None:
    assert lacking(PAGE, PAGE) == set()
    assert lacking(PAGE, PAGE | {"foot": "<p id=foot>1 of 2 free</p>"}) == {"foot"}


def test_a_list_is_sent_when_its_order_or_its_members_change_and_not_with_its_cards() -> None:
    turned = f"<ul id=list>{placeholder('b')}{placeholder('a')}</ul>"
    assert lacking(PAGE, PAGE | {"list": turned}) == {"list"}
    fewer = {"list": f"<ul id=list>{placeholder('b')}</ul>", "b": PAGE["b"]}
    assert lacking(PAGE, fewer) == {"list"}


def test_the_digest_is_that_of_all_fragments_whatever_their_order() -> None:
    turned = dict(reversed(PAGE.items()))
    assert digest(stamps(PAGE)) == digest(stamps(turned))
    assert digest(stamps(PAGE)) != digest(stamps(PAGE | {"b": "<li id=b>other</li>"}))
    assert digest(stamps({"a": "x"})) != digest(stamps({"b": "x"}))
