"""What a launch may ask for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_service.config.entries import check_entry
from remote_service.config.form import CleanOptions, clean_options
from remote_service.config.schema import DEFAULT_SIZES, SessionType

SIZES = ["1280x1024", "1600x1200"]
FORM: list[dict[str, Any]] = [
    {"name": "cores", "label": "Cores", "type": "number", "min": 1, "max": 64, "unit": "cores", "default": 4},
    {"name": "queue", "label": "Queue", "type": "choice", "choices": ["short", "long"]},
    {"name": "gpu", "label": "With a GPU", "type": "checkbox"},
    {"name": "card", "label": "Card", "type": "text", "min": 1, "max": 5, "show_if": {"gpu": True}},
]


def a_type(form: list[dict[str, Any]] | None = None, **options: Any) -> SessionType:
    entry = {"script": "x.py", "count": 1, "options": {"sizes": SIZES, **options}, "form": form or []}
    session_type, findings = check_entry("Desktop", entry)
    assert session_type is not None, findings
    return session_type


def from_page(session_type: SessionType, **raw: str) -> CleanOptions:
    return clean_options(session_type, raw, unknown_allowed=False, free_size=False)


def from_rest(session_type: SessionType, **raw: str) -> CleanOptions:
    return clean_options(session_type, raw, unknown_allowed=True, free_size=True)


def test_the_first_size_is_the_default() -> None:
    assert from_page(a_type()) == CleanOptions({"size": "1280x1024"}, {})
    assert from_rest(a_type(), size="") == CleanOptions({"size": "1280x1024"}, {})
    assert from_page(SessionType.model_construct(options={}, form=())).options == {"size": DEFAULT_SIZES[0]}


def test_a_page_offers_the_menu_only() -> None:
    assert from_page(a_type(), size="1600x1200").options == {"size": "1600x1200"}
    assert from_page(a_type(), size="5x5") == CleanOptions(
        {}, {"size": 'Size: found "5x5"; expected one of "1280x1024" and "1600x1200".'}
    )


def test_rest_takes_any_printable_size() -> None:
    assert from_rest(a_type(), size="5x5").options == {"size": "5x5"}
    assert from_rest(a_type(), size="x" * 64).errors == {}


@pytest.mark.parametrize(
    ("size", "shown"), [("x" * 65, '"' + "x" * 65 + '"'), ("5\n5", r'"5\n5"'), (" ", '" "'), ("5\x005", r'"5\u00005"')]
)
def test_rest_refuses_a_size_that_is_too_long_or_not_printable(size: str, shown: str) -> None:
    assert from_rest(a_type(), size=size) == CleanOptions(
        {}, {"size": f"Size: found {shown}; expected 1 to 64 printable characters."}
    )


@pytest.mark.parametrize("ask", [from_page, from_rest])
def test_fields_hold_their_defaults_until_something_is_entered(ask: Any) -> None:
    assert ask(a_type(FORM)) == CleanOptions({"size": "1280x1024", "cores": "4", "queue": "short", "gpu": "false"}, {})
    assert ask(a_type(FORM), cores=" ", queue="", gpu="").errors == {}


@pytest.mark.parametrize("ask", [from_page, from_rest])
def test_values_are_text_in_the_order_of_the_form(ask: Any) -> None:
    cleaned = ask(a_type(FORM), card="A100", gpu="on", queue="long", cores=" 8 ", size="1600x1200")
    assert cleaned == CleanOptions(
        {"size": "1600x1200", "cores": "8", "queue": "long", "gpu": "true", "card": "A100"}, {}
    )
    assert list(cleaned.options) == ["size", "cores", "queue", "gpu", "card"]


@pytest.mark.parametrize("ask", [from_page, from_rest])
def test_each_field_that_is_wrong_has_a_sentence(ask: Any) -> None:
    assert ask(a_type(FORM), cores="99", queue="x", gpu="maybe") == CleanOptions(
        {"size": "1280x1024"},
        {
            "cores": 'Cores: found "99"; expected a number from 1 to 64 cores.',
            "queue": 'Queue: found "x"; expected one of "short" and "long".',
            "gpu": 'With a GPU: found "maybe"; expected true or false.',
        },
    )


def test_a_text_of_a_wrong_length() -> None:
    assert from_page(a_type(FORM), gpu="true", card="too long").errors == {
        "card": 'Card: found "too long"; expected 1 to 5 printable characters.'
    }
    assert from_page(a_type(FORM), gpu="true").errors == {
        "card": "Card: nothing was entered; expected 1 to 5 printable characters."
    }
    assert from_page(a_type(FORM), gpu="true", card="").errors == {
        "card": "Card: nothing was entered; expected 1 to 5 printable characters."
    }


def test_a_number_without_a_default_must_be_entered() -> None:
    form = [{"name": "hours", "label": "Hours", "type": "number"}]
    assert from_page(a_type(form)).errors == {"hours": "Hours: nothing was entered; expected a number."}


def test_an_emptied_text_stays_empty() -> None:
    form = [{"name": "queue", "type": "text", "default": "main"}]
    assert from_page(a_type(form), queue="").options == {"size": "1280x1024", "queue": ""}
    assert from_page(a_type(form)).options == {"size": "1280x1024", "queue": "main"}


def test_a_hidden_field_is_dropped_whatever_was_entered() -> None:
    assert from_rest(a_type(FORM), gpu="off", card="far too long").options == {
        "size": "1280x1024",
        "cores": "4",
        "queue": "short",
        "gpu": "false",
    }


def test_a_field_behind_a_hidden_or_wrong_one_is_hidden_too() -> None:
    form: list[dict[str, Any]] = [
        {"name": "last", "type": "text", "show_if": {"middle": ["x", "y"]}},
        {"name": "middle", "type": "choice", "choices": ["x", "y"], "show_if": {"first": 4}},
        {"name": "first", "type": "number"},
    ]
    assert from_page(a_type(form), first="4.0", middle="y", last="l").options == {
        "size": "1280x1024",
        "last": "l",
        "middle": "y",
        "first": "4.0",
    }
    assert from_page(a_type(form), first="5", last="l").options == {"size": "1280x1024", "first": "5"}
    assert from_page(a_type(form), first="?", last="l") == CleanOptions(
        {"size": "1280x1024"}, {"first": 'first: found "?"; expected a number.'}
    )


def test_all_conditions_must_hold() -> None:
    form: list[dict[str, Any]] = [
        {"name": "a", "type": "checkbox"},
        {"name": "b", "type": "checkbox"},
        {"name": "c", "type": "text", "show_if": {"a": True, "b": False}},
    ]
    assert "c" in from_page(a_type(form), a="on").options
    assert "c" not in from_page(a_type(form), a="on", b="on").options
    assert "c" not in from_page(a_type(form)).options


def test_a_page_cannot_add_options() -> None:
    assert from_page(a_type(FORM), username="bob", coers="3").errors == {
        "username": 'There is no option "username"; expected one of "size", "cores", "queue", "gpu" and "card".',
        "coers": 'There is no option "coers"; expected one of "size", "cores", "queue", "gpu" and "card". '
        'Did you mean "cores"?',
    }
    assert from_page(a_type(), security_token="x").errors == {
        "security_token": 'There is no option "security_token"; expected "size".'
    }


def test_rest_passes_further_options_on() -> None:
    cleaned = clean_options(
        a_type(),
        {"username": "alice", "my option": "", "long": "x" * 256, "n" * 256: "é"},
        unknown_allowed=True,
        free_size=True,
    )
    assert cleaned == CleanOptions(
        {"size": "1280x1024", "username": "alice", "my option": "", "long": "x" * 256, "n" * 256: "é"}, {}
    )


def test_the_security_token_never_reaches_a_script() -> None:
    assert from_rest(a_type(), security_token="secret") == CleanOptions({"size": "1280x1024"}, {})


def test_rest_refuses_what_is_too_long_or_not_printable() -> None:
    raw = {"a": "x" * 257, "b": "\x1b[2J", "": "x", "c\n": "x", "n" * 257: "x"}
    cleaned = clean_options(a_type(), raw, unknown_allowed=True, free_size=True)
    assert cleaned.options == {"size": "1280x1024"}
    start = "The name of an option: found"
    assert cleaned.errors == {
        "a": f'a: found "{"x" * 78}…; expected at most 256 printable characters.',
        "b": r'b: found "\u001b[2J"; expected at most 256 printable characters.',
        "": f'{start} ""; expected 1 to 256 printable characters.',
        "c\n": rf'{start} "c\n"; expected 1 to 256 printable characters.',
        "n" * 257: f'{start} "{"n" * 78}…; expected 1 to 256 printable characters.',
    }


@given(
    st.dictionaries(st.text() | st.sampled_from(["size", "cores", "queue", "gpu", "card"]), st.text()),
    st.booleans(),
    st.booleans(),
)
def test_every_option_is_either_given_to_the_script_or_explained(
    raw: dict[str, str], unknown_allowed: bool, free_size: bool
) -> None:
    cleaned = clean_options(a_type(FORM), raw, unknown_allowed=unknown_allowed, free_size=free_size)
    assert cleaned.options.keys().isdisjoint(cleaned.errors)
    assert all(value.isprintable() for value in cleaned.options.values())
    assert all(sentence.isprintable() and sentence.endswith((".", "?")) for sentence in cleaned.errors.values())
    assert raw.keys() - cleaned.options.keys() - cleaned.errors.keys() <= {"card", "security_token"}
    assert "security_token" not in cleaned.options
