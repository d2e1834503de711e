"""Tests of the list of types: which, and how many slots are free."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User

from remote_service.models import Drain, Session
from remote_service.states import State
from tests.conftest import GROUP
from webui.type_cards import Refusal, by_category, list_types

MakeType = Callable[..., Any]
MakeSession = Callable[..., Session]


def test_one_sees_the_types_that_one_may_use(alice: User, charlie: User, make_type: MakeType) -> None:
    make_type("For all")
    make_type("For the group", options={"group": GROUP})
    assert [card.row.name for card in list_types(alice)] == ["For all", "For the group"]
    assert [card.row.name for card in list_types(charlie)] == ["For all"]
    assert [card.row.name for card in list_types(alice, only="For the group")] == ["For the group"]
    assert list_types(charlie, only="For the group") == ()


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
        make_type(name, form=[{"name": "mesh", "type": "text"}])
    refusal = Refusal("Two", "", {"mesh": "fine"}, {"mesh": "Mesh: wrong."}, title="Mine", title_error="Title: wrong.")
    one, two = list_types(alice, refusal)
    assert (one.entered, one.errors, one.title, one.title_error, one.touched) == ({}, {}, "", "", False)
    assert (two.entered, two.errors) == ({"mesh": "fine"}, {"mesh": "Mesh: wrong."})
    assert (two.title, two.title_error, two.touched) == ("Mine", "Title: wrong.", True)


def test_a_form_holds_what_its_user_entered_last_as_far_as_it_still_fits(
    alice: User, make_type: MakeType, make_session: MakeSession
) -> None:
    make_type(options={"sizes": ["1x1", "2x2"]}, form=[{"name": "mesh", "type": "choice", "choices": ["a", "b"]}])
    make_session(alice, State.ENDED, options={"size": "2x2", "mesh": "gone", "username": "alice"})
    (card,) = list_types(alice)
    assert card.entered == {"size": "2x2"}


def test_a_drained_type_says_why_and_cannot_be_started(alice: User, make_type: MakeType) -> None:
    make_type("Drained")
    make_type("Silent", options={"host": "node7"})
    make_type("Free")
    Drain.objects.create(kind="type", name="Drained", text="New disks on Friday.")
    Drain.objects.create(kind="host", name="node7")
    assert [(card.row.name, card.closed, card.startable) for card in list_types(alice)] == [
        ("Drained", "New disks on Friday.", False),
        ("Silent", "It takes no new sessions at the moment.", False),
        ("Free", "", True),
    ]


def test_while_the_site_is_switched_off_nothing_can_be_started(alice: User, make_type: MakeType) -> None:
    make_type()
    assert [card.startable for card in list_types(alice, switched_on=False)] == [False]


def test_categories_come_in_the_order_of_the_file_and_types_without_one_last(alice: User, make_type: MakeType) -> None:
    for name, category in (("a", None), ("b", "Nodes"), ("c", "Desktops"), ("d", "Nodes"), ("e", None)):
        make_type(name, category=category)
    found = [(one.name, [card.row.name for card in one.cards]) for one in by_category(list_types(alice))]
    assert found == [("Nodes", ["b", "d"]), ("Desktops", ["c"]), ("", ["a", "e"])]
