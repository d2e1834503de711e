"""Sentences that rows keep: each is recognised by its shape, as itself and with its values."""

from __future__ import annotations

import re

import pytest

from remote_service import details
from remote_service.relay import closing
from remote_service.texts import Sentence, recognised, sentence

KEPT = (*details.ALL, *closing.SENTENCES)


def values(kept: Sentence) -> dict[str, str]:
    """Something for each of a template's values, the first of them one word."""
    names = re.findall(r"%\((\w+)\)s", kept.template)
    return {name: "tcp:h:1" if place == 0 else f"no {name}, (a.b)" for place, name in enumerate(names)}


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.template)
def test_a_text_is_recognised_as_the_sentence_it_was_made_of(kept: Sentence) -> None:
    given = values(kept)
    text = str(kept.filled(**given))
    assert "%(" not in text
    found = recognised(text, KEPT)
    assert found is not None
    assert (found.template, found.values, found) == (kept.template, given, text)


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.template)
def test_only_names_of_texts_stand_in_a_template(kept: Sentence) -> None:
    # A value that is found again is a text: no other way to write it fits.
    assert re.sub(r"%\(\w+\)s", "", kept.template).count("%") == 0


@pytest.mark.parametrize(
    "text",
    ["", "No licence.", "The node cannot be reached: ask Jim.", "Nothing listens at home yet", "See: It is wanted."],
)
def test_what_people_and_scripts_write_is_not_recognised(text: str) -> None:
    assert recognised(text, KEPT) is None


def test_the_first_that_fits_counts() -> None:
    some = (sentence("a %(b)s"), sentence("a %(c)s."))
    found = recognised("a b.", some)
    assert found is not None
    assert (found.template, dict(found.values)) == ("a %(b)s", {"b": "b."})
