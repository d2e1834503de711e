"""Values in messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_service.config.words import (
    as_json,
    closest,
    did_you_mean,
    for_example,
    harmless,
    listed,
    one_of,
    otherwise,
    plural,
    shortened,
    shown,
)
from remote_service.texts import Sentence


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (0, "the number 0"),
        (1.5, "the number 1.5"),
        ("", "an empty text"),
        ("2", 'the text "2"'),
        ([], "an empty list"),
        ([1, "a"], 'the list [1, "a"]'),
        ({}, "an empty object"),
        ({"a": None}, 'the object {"a": null}'),
    ],
)
def test_it_shows_a_value_with_its_kind(value: object, text: str) -> None:
    assert shown(value) == text


def test_it_writes_hostile_characters_as_escapes() -> None:
    assert as_json('a"\x1b[31m\u202e\ud800é\x7f') == r'"a\"\u001b[31m\u202e\ud800é\u007f"'


def test_it_keeps_only_line_breaks_and_tabs_in_texts_of_several_lines() -> None:
    assert harmless("a\n\tb\x1b[2Jc\r") == "a\n\tb\\u001b[2Jc\\r"


def test_it_cuts_long_values() -> None:
    assert as_json("x" * 100) == '"' + "x" * 78 + "…"
    assert shortened("x" * 80) == "x" * 80


@given(st.text())
def test_every_shown_text_is_one_printable_line(text: str) -> None:
    assert shown(text).isprintable()


def test_it_names_one_or_several() -> None:
    assert one_of(["a"]) == '"a"'
    assert one_of(["a", "b", "c"]) == 'one of "a", "b" and "c"'
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert listed(["a", "b", "c"]) == "a, b and c"


def test_it_counts() -> None:
    assert plural(1, "thread") == "1 thread"
    assert plural(2, "thread") == "2 threads"


def test_it_finds_the_closest_name() -> None:
    assert closest("scrpt", ["count", "script"]) == "script"
    assert closest("SCRIPT", ["count", "script"]) == "script"
    assert closest("banana", ["count", "script"]) is None
    assert closest("script", []) is None


def test_remedies_name_what_was_meant_or_show_what_would_do() -> None:
    assert did_you_mean("count") == 'did you mean "count"?'
    assert otherwise("count", "remove it") == 'did you mean "count"? Otherwise remove it'
    assert otherwise(None, "remove it") == "remove it"
    assert for_example('"count": 1') == 'write for example "count": 1'


def test_a_harmless_sentence_and_the_parts_of_a_list_stay_sentences() -> None:
    parts = [shown(value) for value in ("a", "b", "c")]
    assert isinstance(harmless(parts[0]), Sentence)
    all_but_last = listed(parts).values["names"]  # type: ignore[attr-defined]
    assert list(all_but_last.values.values()) == parts[:2]
