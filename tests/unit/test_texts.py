"""Sentences that know what they were made of."""

from __future__ import annotations

import copy
import json
import pickle

from remote_service.texts import Sentence, joined, sentence


def test_it_is_the_english_text() -> None:
    said = sentence("All %(count)d slots of %(name)r are in use.", count=3, name="It's")
    assert said == 'All 3 slots of "It\'s" are in use.'
    assert json.dumps(said) == json.dumps(str(said))


def test_it_knows_its_template_and_its_values() -> None:
    said = sentence("%(template)s: 100%%", template="x")
    assert (said, said.template, said.values) == ("x: 100%", "%(template)s: 100%%", {"template": "x"})


def test_without_values_a_per_cent_sign_means_nothing() -> None:
    assert sentence("100 %") == "100 %"


def test_a_value_that_looks_like_a_template_is_left_alone() -> None:
    inner = sentence("at most %(most)s", most="%(x)s %d")
    assert sentence("expected %(what)s.", what=inner) == "expected at most %(x)s %d."


def test_what_text_is_made_of_it_is_plain() -> None:
    said = sentence("a")
    assert {type(text) for text in (str(said), f"{said}", said + "", said.strip())} == {str}


def test_several_are_joined_and_empty_ones_are_left_out() -> None:
    first = sentence("One.")
    both = joined(first, "", "50% more.")
    assert both == "One. 50% more."
    assert list(both.values.values()) == [first, "50% more."]
    assert joined() == joined("") == ""


def test_a_copy_knows_as_much() -> None:
    said = sentence("%(count)d %%", count=3)
    for copied in (copy.deepcopy(said), pickle.loads(pickle.dumps(said))):
        assert isinstance(copied, Sentence)
        assert (copied, copied.template, copied.values) == ("3 %", "%(count)d %%", {"count": 3})
