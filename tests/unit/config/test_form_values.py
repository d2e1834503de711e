"""The texts that a field accepts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_service.config.form_values import (
    as_text,
    clean_value,
    expectation,
    fits,
    initial_text,
    same_value,
)
from remote_service.config.schema import FormField


def a_field(type_: str, **keys: Any) -> FormField:
    return FormField.model_validate({"name": "a", "type": type_, **keys})


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (4, "4"), (4.0, "4"), (0.1, "0.1"), (-1.5, "-1.5"), ("x", "x")],
)
def test_values_reach_the_script_as_text(value: Any, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("4", "4"),
        (" 4 ", "4"),
        ("1", "1"),
        ("64", "64"),
        ("2.50", "2.50"),
        ("007", "007"),
        ("64.1", None),
        ("0.9", None),
        ("-4", None),
        ("", None),
        ("4,5", None),
        ("4.", None),
        ("+4", None),
        ("1e1", None),
        ("0x4", None),
        ("nan", None),
        ("inf", None),
        ("1_0", None),
        ("\u0664", None),
        ("four", None),
        ("0" * 255 + "4", "0" * 255 + "4"),
        ("0" * 256 + "4", None),
    ],
)
def test_a_number_between_1_and_64(text: str, clean: str | None) -> None:
    assert clean_value(a_field("number", min=1, max=64), text) == clean


@pytest.mark.parametrize(("text", "clean"), [("-.5", "-.5"), ("9" * 256, "9" * 256)])
def test_a_number_without_bounds(text: str, clean: str | None) -> None:
    assert clean_value(a_field("number"), text) == clean


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("true", "true"),
        ("on", "true"),
        ("Yes", "true"),
        (" 1 ", "true"),
        ("false", "false"),
        ("off", "false"),
        ("no", "false"),
        ("0", "false"),
        ("", "false"),
        ("maybe", None),
        ("2", None),
    ],
)
def test_a_checkbox(text: str, clean: str | None) -> None:
    assert clean_value(a_field("checkbox"), text) == clean


def test_a_choice() -> None:
    field = a_field("choice", choices=["small", "large"])
    assert clean_value(field, "small") == "small"
    assert clean_value(field, "Small") is None
    assert clean_value(field, "") is None


def test_a_text() -> None:
    assert clean_value(a_field("text"), "") == ""
    assert clean_value(a_field("text"), "x" * 256) == "x" * 256
    assert clean_value(a_field("text"), "x" * 257) is None
    assert clean_value(a_field("text", max=300), "x" * 300) == "x" * 300
    assert clean_value(a_field("text", min=2), "x") is None
    assert clean_value(a_field("text"), "a\x1b") is None
    assert clean_value(a_field("text"), " kept ") == " kept "


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (a_field("number"), "a number"),
        (a_field("number", unit="GB"), "a number of GB"),
        (a_field("number", min=1, max=64, unit="GB"), "a number from 1 to 64 GB"),
        (a_field("number", min=0.5), "a number of at least 0.5"),
        (a_field("number", min=0), "a number of at least 0"),
        (a_field("number", max=0), "a number of at most 0"),
        (a_field("text"), "at most 256 printable characters"),
        (a_field("text", min=0, max=20), "at most 20 printable characters"),
        (a_field("text", min=1, max=20), "1 to 20 printable characters"),
        (a_field("choice", choices=["x", "y"]), 'one of "x" and "y"'),
        (a_field("checkbox"), "true or false"),
    ],
)
def test_the_expectation_is_a_clause(field: FormField, text: str) -> None:
    assert expectation(field) == text


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (a_field("number"), None),
        (a_field("number", default=4), "4"),
        (a_field("text"), ""),
        (a_field("text", default="x"), "x"),
        (a_field("choice", choices=["x", "y"]), "x"),
        (a_field("choice", choices=["x", "y"], default="y"), "y"),
        (a_field("checkbox"), "false"),
        (a_field("checkbox", default=True), "true"),
    ],
)
def test_what_a_field_holds_at_first(field: FormField, text: str | None) -> None:
    assert initial_text(field) == text


def test_a_json_value_has_the_type_of_its_field() -> None:
    assert fits(a_field("number"), 4)
    assert not fits(a_field("number"), True)
    assert not fits(a_field("number"), "4")
    assert fits(a_field("text"), "4")
    assert not fits(a_field("text"), 4)
    assert fits(a_field("checkbox"), False)
    assert not fits(a_field("checkbox"), "false")


def test_numbers_are_compared_as_numbers() -> None:
    assert same_value(a_field("number"), "4.0", 4)
    assert not same_value(a_field("number"), "4.5", 4)
    assert same_value(a_field("text"), "4.0", "4.0")
    assert same_value(a_field("checkbox"), "true", True)
    assert not same_value(a_field("checkbox"), "true", False)


@given(st.sampled_from(["text", "number", "choice", "checkbox"]), st.text())
def test_what_passed_once_passes_again(type_: str, text: str) -> None:
    field = a_field(type_, **({"choices": ["x"]} if type_ == "choice" else {}))
    clean = clean_value(field, text)
    assert clean is None or clean_value(field, clean) == clean
