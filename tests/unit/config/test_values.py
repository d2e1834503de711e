"""What values of the sessions file may be, whichever key has them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from remote_service.config.values import (
    MAX_NAME,
    Extension,
    Identifier,
    Name,
    Number,
    Seconds,
    Strict,
    is_printable,
    printable_lines,
    printable_text,
)


@pytest.mark.parametrize(("text", "shows"), [("a b", True), ("é", True), ("", False), ("  ", False), ("a\nb", False)])
def test_what_shows_something_on_one_line_is_printable(text: str, shows: bool) -> None:
    assert is_printable(text) is shows


def test_lines_may_be_several_and_hold_nothing_that_does_not_show() -> None:
    assert printable_lines("one\ntwo") == "one\ntwo"
    with pytest.raises(ValueError, match="not printable"):
        printable_lines("one\ttwo")


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Name, "a" * MAX_NAME, "a" * (MAX_NAME + 1)),
        (Name, "Desktop on n8", " Desktop"),
        (Extension, "case", "c" * 33),
        (Identifier, "cores_2", "2cores"),
        (Identifier, "memory", "security_token"),
        (Seconds, None, -1.0),
        (Number, -1e15, 1e16),
    ],
)
def test_a_value_is_taken_as_it_is_or_refused(kind: Any, good: object, bad: object) -> None:
    adapter = TypeAdapter(kind)
    assert adapter.validate_python(good) == good
    with pytest.raises(ValidationError):
        adapter.validate_python(bad)


def test_nothing_is_guessed() -> None:
    class Two(Strict):
        number: int = 2

    for wrong in ({"number": "2"}, {"number": True}, {"nmber": 2}):
        with pytest.raises(ValidationError):
            Two.model_validate(wrong)


def test_how_many_characters_a_text_may_have_is_said_in_good_english() -> None:
    assert [printable_text(1), printable_text(64)] == [
        "a text of 1 to 1 printable character",
        "a text of 1 to 64 printable characters",
    ]
