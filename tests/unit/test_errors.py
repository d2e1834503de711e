"""The table of refusals: each has the status and the code that clients are promised."""

from __future__ import annotations

import re

import pytest

from remote_service import errors
from remote_service.errors import GatewayError, InvalidOptionError, RefusedError
from remote_service.texts import Sentence, sentence

PROMISED = {
    "UnauthorizedError": (401, "unauthorized"),
    "RestClosedError": (403, "rest_closed"),
    "NotAllowedError": (403, "not_allowed"),
    "UnknownTypeError": (404, "unknown_type"),
    "UnknownTokenError": (404, "unknown_token"),
    "NoFreeSlotError": (409, "no_free_slot"),
    "LimitReachedError": (409, "limit_reached"),
    "InvalidOptionError": (400, "invalid_option"),
    "SwitchedOffError": (503, "switched_off"),
    "DatabaseAwayError": (503, "database_away"),
}


@pytest.mark.parametrize("name", PROMISED)
def test_it_has_the_status_and_the_code_that_the_design_fixes(name: str) -> None:
    error = getattr(errors, name)
    assert issubclass(error, RefusedError)
    assert (error.status, error.code) == PROMISED[name]


def test_no_refusal_is_missing_from_the_promise() -> None:
    assert {error.__name__ for error in RefusedError.__subclasses__()} == set(PROMISED)
    assert GatewayError.__subclasses__() == [RefusedError]


def test_the_tree_in_the_docstring_is_the_tree_in_the_code() -> None:
    drawn = re.findall(r"(\w+Error) +(\d{3}) (\w+)", errors.__doc__ or "")
    assert {name: (int(status), code) for name, status, code in drawn} == PROMISED


def test_its_text_is_the_sentence_for_who_asked() -> None:
    assert str(errors.NoFreeSlotError("All 3 slots are in use.")) == "All 3 slots are in use."


def test_wrong_options_are_told_apart_and_read_as_one_text() -> None:
    error = InvalidOptionError({"size": "Pick a size.", "cores": "At most 4."})
    assert error.fields == {"size": "Pick a size.", "cores": "At most 4."}
    assert str(error) == "Pick a size. At most 4."
    assert error.sentence == str(error)


def test_its_sentence_can_still_be_translated_and_its_text_is_plain() -> None:
    error = errors.LimitReachedError(sentence("You have %(count)d.", count=3))
    assert isinstance(error.sentence, Sentence)
    assert (type(str(error)), str(error)) == (str, "You have 3.")
