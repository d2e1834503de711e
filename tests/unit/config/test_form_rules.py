"""Contradictions in a launch form: every message, whole."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.config.conftest import Site

A = {"name": "a", "type": "text"}


def place_and_clauses(site: Site, *fields: dict[str, Any]) -> list[str]:
    """The messages without the part that all have in common."""
    start = site.at("form").removesuffix(": ")
    return [message.removeprefix(start) for message in site.entry_messages(form=list(fields))]


def test_a_sound_form_has_no_contradictions(site: Site) -> None:
    fields: list[dict[str, Any]] = [
        {"name": "mode", "type": "choice", "choices": ["batch", "live"], "default": "live"},
        {"name": "cores", "type": "number", "min": 1, "max": 64, "default": 4, "unit": "cores"},
        {"name": "queue", "type": "text", "min": 1, "max": 20, "default": "main", "show_if": {"mode": "batch"}},
        {"name": "gpu", "type": "checkbox", "default": True, "show_if": {"cores": [1, 2.5], "mode": "live"}},
        {"name": "card", "type": "text", "show_if": {"gpu": True, "queue": "any text"}},
    ]
    loaded = site.load({"Desktop": {"script": "desktop.py", "count": 1, "options": {}, "form": fields}})
    assert loaded.problems == ()
    assert [field.name for field in loaded.types[0].type.form] == ["mode", "cores", "queue", "gpu", "card"]


@pytest.mark.parametrize(
    ("type_", "key", "value", "types"),
    [
        ("text", "choices", ["x"], '"choice"'),
        ("number", "choices", ["x"], '"choice"'),
        ("checkbox", "min", 1, '"number" or "text"'),
        ("checkbox", "max", 1, '"number" or "text"'),
        ("text", "unit", "GB", '"number"'),
    ],
)
def test_some_keys_belong_to_some_types_only(site: Site, type_: str, key: str, value: Any, types: str) -> None:
    assert place_and_clauses(site, {"name": "a", "type": type_, key: value}) == [
        f' \u203a a \u203a {key}: found this key in a field of the type "{type_}"; '
        f"expected it only with the type {types}. Fix: remove it, or change the type."
    ]


def test_null_and_an_empty_list_are_as_good_as_no_key(site: Site) -> None:
    assert place_and_clauses(site, {"name": "a", "type": "checkbox", "min": None, "unit": None, "choices": []}) == []


def test_a_choice_needs_choices(site: Site) -> None:
    assert place_and_clauses(site, {"name": "a", "type": "choice", "default": "x"}) == [
        " \u203a a \u203a choices: found no such key; expected the list of what can be chosen. "
        'Fix: write for example "choices": ["small", "large"].'
    ]
    assert place_and_clauses(site, {"name": "a", "type": "choice", "choices": []}) == [
        " \u203a a \u203a choices: found an empty list; expected the list of what can be chosen. "
        'Fix: write for example "choices": ["small", "large"].'
    ]


def test_choices_differ_from_each_other(site: Site) -> None:
    choices = ["x", "y", "x", "z", "y"]
    assert place_and_clauses(site, {"name": "a", "type": "choice", "choices": choices}) == [
        ' \u203a a \u203a choices: found "x" and "y" more than once; expected each choice once. '
        "Fix: remove the repeated ones."
    ]


@pytest.mark.parametrize("type_", ["number", "text"])
def test_min_is_not_above_max(site: Site, type_: str) -> None:
    assert place_and_clauses(site, {"name": "a", "type": type_, "min": 5, "max": 2, "default": 1}) == [
        " \u203a a \u203a min: found the number 5; expected at most the max of the field, 2. "
        "Fix: exchange the two, or correct one of them."
    ]
    assert place_and_clauses(site, {"name": "a", "type": type_, "min": 2, "max": 2}) == []


@pytest.mark.parametrize("bound", [-1, 0.5, 4097])
@pytest.mark.parametrize("key", ["min", "max"])
def test_lengths_of_texts_are_whole_and_not_endless(site: Site, key: str, bound: float) -> None:
    assert place_and_clauses(site, {"name": "a", "type": "text", key: bound}) == [
        f" \u203a a \u203a {key}: found the number {bound}; expected a number of characters from 0 to 4096. "
        "Fix: write a whole number in that range."
    ]


@pytest.mark.parametrize(
    ("field", "found", "expected"),
    [
        ({"type": "choice", "choices": ["x", "y"], "default": "z"}, 'the text "z"', 'one of "x" and "y"'),
        ({"type": "choice", "choices": ["1"], "default": 1}, "the number 1", '"1"'),
        ({"type": "number", "min": 1, "max": 4, "unit": "GB", "default": 5}, "the number 5", "a number from 1 to 4 GB"),
        ({"type": "number", "min": 1, "default": 0.5}, "the number 0.5", "a number of at least 1"),
        ({"type": "number", "max": 1.5, "default": 2}, "the number 2", "a number of at most 1.5"),
        ({"type": "number", "default": "4"}, 'the text "4"', "a number"),
        ({"type": "number", "default": True}, "true", "a number"),
        ({"type": "text", "default": 4}, "the number 4", "at most 256 printable characters"),
        ({"type": "text", "max": 3, "default": "abcd"}, 'the text "abcd"', "at most 3 printable characters"),
        ({"type": "text", "min": 2, "default": "a"}, 'the text "a"', "2 to 256 printable characters"),
        ({"type": "text", "default": "a\n"}, r'the text "a\n"', "at most 256 printable characters"),
        ({"type": "checkbox", "default": "true"}, 'the text "true"', "true or false"),
        ({"type": "checkbox", "default": 1}, "the number 1", "true or false"),
    ],
)
def test_a_default_must_be_acceptable(site: Site, field: dict[str, Any], found: str, expected: str) -> None:
    assert place_and_clauses(site, {"name": "a", **field}) == [
        f" \u203a a \u203a default: found {found}; expected {expected}. Fix: write such a default, or leave it out."
    ]


def test_a_default_is_not_judged_by_bounds_that_are_wrong_themselves(site: Site) -> None:
    assert place_and_clauses(site, {"name": "a", "type": "number", "min": "x", "default": 5}) == [
        ' \u203a a \u203a min: found the text "x"; expected a number. Fix: write for example "min": 1.'
    ]
    assert place_and_clauses(site, {"name": "a", "type": "choice", "choices": [1], "default": "x"}) == [
        " \u203a a \u203a choices[0]: found the number 1; expected a text of 1 to 256 printable characters. "
        'Fix: write for example "choices": ["small", "large"].'
    ]


def test_names_differ_from_each_other(site: Site) -> None:
    assert place_and_clauses(site, A, {"name": "b", "type": "text"}, A) == [
        '[2] \u203a name: found "a", which is the name of form[0] too; expected a name of its own for each field. '
        "Fix: rename one of the two."
    ]


def test_conditions_lead_to_fields_that_exist(site: Site) -> None:
    fields: list[dict[str, Any]] = [{"name": "mode", "type": "text"}, {**A, "show_if": {"mod": "x", "zzz": 1}}]
    assert place_and_clauses(site, *fields) == [
        ' \u203a a \u203a show_if \u203a mod: found no field of this name; expected "mode". Fix: did you mean "mode"?',
        ' \u203a a \u203a show_if \u203a zzz: found no field of this name; expected "mode". Fix: remove it.',
    ]


def test_a_condition_needs_another_field(site: Site) -> None:
    assert place_and_clauses(site, {**A, "show_if": {"b": 1, "a": "x"}}) == [
        " \u203a a \u203a show_if \u203a b: found no field of this name; "
        "expected the name of another field, of which there is none. Fix: remove it.",
        " \u203a a \u203a show_if \u203a a: found the field itself; "
        "expected the name of another field, of which there is none. Fix: remove it.",
    ]


def test_a_condition_on_a_field_that_is_wrong_itself_is_left_alone(site: Site) -> None:
    conditional = {**A, "show_if": {"b": 1}}
    assert place_and_clauses(site, {"name": "b", "type": "txt"}, conditional) == [
        ' \u203a b \u203a type: found the text "txt"; expected "text", "number", "choice" or "checkbox". '
        'Fix: did you mean "text"?'
    ]
    assert place_and_clauses(site, {"name": "b", "type": "choice"}, conditional) == [
        " \u203a b \u203a choices: found no such key; expected the list of what can be chosen. "
        'Fix: write for example "choices": ["small", "large"].'
    ]


@pytest.mark.parametrize(
    ("other", "value", "found", "expected"),
    [
        ({"type": "choice", "choices": ["x", "y"]}, ["x", "z"], 'the text "z"', 'one of "x" and "y"'),
        ({"type": "checkbox"}, "yes", 'the text "yes"', "true or false"),
        ({"type": "number", "max": 2}, 3, "the number 3", "a number of at most 2"),
        ({"type": "text"}, True, "true", "at most 256 printable characters"),
    ],
)
def test_a_condition_can_come_true(site: Site, other: dict[str, Any], value: Any, found: str, expected: str) -> None:
    assert place_and_clauses(site, {"name": "b", **other}, {**A, "show_if": {"b": value}}) == [
        f' \u203a a \u203a show_if \u203a b: found {found}; expected {expected}. Fix: write a value that "b" can have.'
    ]


def test_conditions_do_not_run_in_a_circle(site: Site) -> None:
    fields: list[dict[str, Any]] = [
        {"name": "free", "type": "text", "show_if": {"b": "x"}},
        {"name": "a", "type": "text", "show_if": {"b": "x"}},
        {"name": "b", "type": "text", "show_if": {"c": "x"}},
        {"name": "c", "type": "text", "show_if": {"a": "x"}},
    ]
    assert place_and_clauses(site, *fields) == [
        ' \u203a a \u203a show_if: found a circle: "a" needs "b" needs "c" needs "a"; '
        "expected conditions that do not lead back to the field. Fix: remove one of these conditions."
    ]
