"""Tests of the list of types: which, and how many slots are free."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User

from remote_service.models import Session
from remote_service.states import State
from tests.conftest import GROUP
from webui.type_cards import Refusal, list_types

MakeType = Callable[..., Any]
MakeSession = Callable[..., Session]


def test_one_sees_the_types_that_one_may_use(alice: User, charlie: User, make_type: MakeType) -> None:
    make_type("For all", icon="cube")
    make_type("For the group", options={"group": GROUP}, icon="nonsense")
    assert [(card.row.name, card.icon) for card in list_types(alice)] == [
        ("For all", "cube"),
        ("For the group", "monitor"),
    ]
    assert [card.row.name for card in list_types(charlie)] == ["For all"]


def test_slots_are_taken_by_live_sessions_and_by_quarantined_ones(
    alice: User, make_type: MakeType, make_session: MakeSession
) -> None:
    make_type(count=4)
    make_session(alice, index=0)
    make_session(alice, State.ENDED, index=1)
    make_session(alice, State.FAILED, index=2, quarantined=True)
    make_session(alice, index=0, type_name="Another")
    (card,) = list_types(alice)
    assert (card.free, card.slots) == (2, "2 of 4 free")


def test_a_type_whose_slots_are_all_in_quarantine_says_so(
    alice: User, make_type: MakeType, make_session: MakeSession
) -> None:
    make_type(count=1)
    make_session(alice, State.FAILED, index=0, quarantined=True)
    (card,) = list_types(alice)
    assert (card.free, card.slots) == (0, "out of service until an admin releases it")


def test_a_session_of_an_older_sessions_file_takes_no_slot_that_there_is(
    alice: User, make_type: MakeType, make_session: MakeSession
) -> None:
    make_type(count=1)
    make_session(alice, index=7)
    assert [card.free for card in list_types(alice)] == [1]


def test_the_tiles_of_a_wall_are_one_slot(alice: User, make_type: MakeType, make_session: MakeSession) -> None:
    make_type(count=2)
    for tile in range(3):
        make_session(alice, index=0, tile=tile)
    assert [card.free for card in list_types(alice)] == [1]


def test_a_refused_form_is_as_it_was_entered(alice: User, make_type: MakeType) -> None:
    for name in ("One", "Two"):
        make_type(name, form=[{"name": "title", "type": "text"}])
    refusal = Refusal("Two", "", {"title": "mine"}, {"title": "Title: wrong."})
    one, two = (card.form.fields[0] for card in list_types(alice, refusal))
    assert (one.value, one.error) == ("", "")
    assert (two.value, two.error) == ("mine", "Title: wrong.")
