"""Tests of the lists of sessions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from remote_service.models import Session, Viewer
from remote_service.states import State
from webui import session_cards
from webui.session_cards import Listing, list_sessions

MakeSession = Callable[..., Session]


def listing(user: User) -> Listing:
    return list_sessions(user, timezone.now())


def test_one_sees_ones_own_live_sessions_and_nobody_elses(alice: User, bob: User, make_session: MakeSession) -> None:
    hers = make_session(alice)
    make_session(bob)
    make_session(None)
    found = listing(alice)
    assert [card.pk for card in found.live] == [hers.pk]
    assert (found.ended, found.others, found.left_out) == ((), (), 0)


def test_a_card_says_how_the_session_is(alice: User, make_session: MakeSession) -> None:
    session = make_session(alice, State.QUEUED, created_at=timezone.now() - timedelta(minutes=3))
    Viewer.objects.create(session=session)
    Viewer.objects.create(session=session, closed_at=timezone.now())
    (card,) = listing(alice).live
    assert (card.state_words, card.age, card.viewers) == (
        "Waiting in the queue",
        "3\N{NO-BREAK SPACE}minutes ago",
        "1 viewer",
    )
    assert (card.owner, card.may_stop) == ("", True)


def test_what_is_ending_cannot_be_stopped_again(alice: User, make_session: MakeSession) -> None:
    make_session(alice, State.STOPPING)
    assert [card.may_stop for card in listing(alice).live] == [False]


def test_ended_sessions_stay_for_a_day_the_last_first(alice: User, make_session: MakeSession) -> None:
    now = timezone.now()
    make_session(alice, State.ENDED, ended_at=now - timedelta(hours=25))
    older = make_session(alice, State.ENDED, ended_at=now - timedelta(hours=23))
    newer = make_session(alice, State.FAILED, ended_at=now - timedelta(hours=1))
    assert [card.pk for card in listing(alice).ended] == [newer.pk, older.pk]
    assert [card.age for card in listing(alice).ended] == [
        "1\N{NO-BREAK SPACE}hour ago",
        "23\N{NO-BREAK SPACE}hours ago",
    ]


def test_only_the_newest_of_many_ended_ones_are_in_view(alice: User, make_session: MakeSession) -> None:
    for _ in range(5):
        make_session(alice, State.ENDED)
    assert (len(listing(alice).ended), len(listing(alice).ended_before)) == (3, 2)


def test_a_watcher_sees_the_live_sessions_of_others_and_cannot_stop_them(
    alice: User, watcher: User, make_session: MakeSession
) -> None:
    own, hers = make_session(watcher), make_session(alice)
    make_session(alice, State.ENDED)
    found = listing(watcher)
    assert [card.pk for card in found.live] == [own.pk]
    assert [(card.pk, card.owner, card.may_stop) for card in found.others] == [(hers.pk, "alice", False)]


def test_a_manager_may_stop_the_sessions_of_others(alice: User, manager: User, make_session: MakeSession) -> None:
    make_session(alice)
    assert [card.may_stop for card in listing(manager).others] == [True]


def test_staff_without_a_right_over_sessions_see_none(alice: User, staff: User, make_session: MakeSession) -> None:
    make_session(alice)
    assert listing(staff).others == ()


@pytest.mark.parametrize(
    ("username", "door", "said"),
    [("", "rest", "a REST client"), ("eve", "rest", "eve, by REST"), ("eve", "web", "eve"), ("", "web", "nobody")],
)
def test_a_session_without_an_owner_says_whose_it_was(
    manager: User, make_session: MakeSession, username: str, door: str, said: str
) -> None:
    make_session(None, username=username, door=door)
    assert [card.owner for card in listing(manager).others] == [said]


def test_a_very_long_list_of_others_is_cut_and_says_so(
    alice: User, manager: User, make_session: MakeSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_cards, "MOST_LISTED", 3)
    for _ in range(5):
        make_session(alice)
    found = listing(manager)
    assert (len(found.others), found.left_out) == (3, 2)


def test_a_very_long_list_of_ones_own_is_cut_too(
    alice: User, make_session: MakeSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_cards, "MOST_LISTED", 3)
    for _ in range(5):
        make_session(alice)
    found = listing(alice)
    assert (len(found.live), found.live_left_out) == (3, 2)


def test_a_titled_session_says_its_type_too(alice: User, make_session: MakeSession) -> None:
    make_session(alice, title="Wing, coarse mesh", host="node7")
    make_session(alice)
    plain, titled = sorted(listing(alice).live, key=lambda card: card.type_name)
    assert (plain.name, plain.type_name, plain.host) == ("Pattern", "", "")
    assert (titled.name, titled.type_name, titled.host) == ("Wing, coarse mesh", "Pattern", "node7")


def test_a_session_that_is_asked_to_end_is_ending_and_cannot_be_opened(alice: User, make_session: MakeSession) -> None:
    make_session(alice, State.RUNNING, wanted="stop")
    make_session(alice, State.STOPPING)
    for card in listing(alice).live:
        assert (card.state, card.state_words, card.may_open, card.may_stop) == ("stopping", "Ending", False, False)


def test_a_session_of_which_nothing_is_known_says_since_when(alice: User, make_session: MakeSession) -> None:
    since = timezone.now() - timedelta(minutes=7)
    make_session(alice, unknown_since=since, unknown_reason="The node does not answer.")
    make_session(alice, State.ENDED, unknown_since=since)
    found = listing(alice)
    assert [(card.unknown_since, card.unknown_reason) for card in found.live] == [(since, "The node does not answer.")]
    assert [card.unknown_since for card in found.ended] == [None]


def test_a_running_session_says_until_when(alice: User, make_session: MakeSession) -> None:
    began = timezone.now() - timedelta(minutes=1)
    left = began + timedelta(seconds=30)
    session = make_session(alice, running_at=began, stored_limits={"max_lifetime": 3600.0, "linger": 40.0})
    Viewer.objects.create(session=session, closed_at=left, ending=Viewer.Ending.CLEAN)
    (card,) = listing(alice).live
    assert card.longest_until == began + timedelta(hours=1)
    assert card.deserted_until == left + timedelta(seconds=40)


def test_only_of_types_that_can_be_started_a_session_can_be_started_again(
    alice: User, make_session: MakeSession
) -> None:
    make_session(alice, State.ENDED, type_name="Gone")
    make_session(alice, State.FAILED, type_name="Pattern")
    found = list_sessions(alice, timezone.now(), ["Pattern"])
    assert {(card.name, card.may_start_again) for card in found.ended} == {("Gone", False), ("Pattern", True)}
