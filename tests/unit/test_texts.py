"""Sentences that know what they were made of."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from remote_service.texts import Sentence, as_data, counted, from_data, in_one_line, joined, sentence


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


@pytest.mark.parametrize(("number", "said"), [(0, "0 slots"), (1, "1 slot"), (2, "2 slots")])
def test_what_is_counted_is_said_in_the_form_for_its_number(number: int, said: str) -> None:
    made = counted("%(count)d slot", "%(count)d slots", number, count=number)
    assert made == said
    assert (made.template, made.plural, made.number) == ("%(count)d slot", "%(count)d slots", number)


def test_one_that_does_not_say_its_number_can_be_counted() -> None:
    assert [counted("the slot", "the slots", number) for number in (1, 2)] == ["the slot", "the slots"]


@pytest.mark.parametrize(
    "said",
    [
        sentence("100 %"),
        counted("%(count)d slot of %(of)s", "%(count)d slots of %(of)s", 3, count=3, of=sentence("a %(b)r", b="c")),
        joined(sentence("One."), "Two."),
    ],
)
def test_json_keeps_what_it_was_made_of(said: Sentence) -> None:
    back = from_data(json.loads(json.dumps(as_data(said))))
    assert isinstance(back, Sentence)
    assert vars(back) == vars(said)
    assert back == said
    assert {name: type(value) for name, value in back.values.items()} == {
        name: type(value) for name, value in said.values.items()
    }


def test_json_keeps_a_plain_text_as_it_is() -> None:
    assert as_data("100 %(x)s") == from_data("100 %(x)s") == "100 %(x)s"


def test_what_somebody_typed_is_one_line_of_what_can_be_printed() -> None:
    assert in_one_line(" a\tb\x1b[31m\u200bc\n\u202e d\xa0 ") == "a b [31m c d"
