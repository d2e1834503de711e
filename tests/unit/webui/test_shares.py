"""Shares as pages show them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from remote_service import holders, sharing
from remote_service.actors import Actor
from remote_service.models import Session, Share
from remote_service.sharing import Offer
from remote_service.states import State
from webui.shares import Holder, guest_cards, shared_cards, shares_of

BY = Actor("alice", "", "web")


@pytest.fixture
def session(alice: User, make_session: Callable[..., Session], make_type: Callable[..., Any]) -> Session:
    make_type("Pattern")
    return make_session(alice, title="Blade")


def accepted(session: Session, by: User, **offer: Any) -> Share:
    assert session.owner is not None
    share, secret = sharing.make_share(session, Offer(**offer), session.owner, BY)
    sharing.accept(secret, by, Actor(by.username, "", "web"))
    return share


def test_those_that_count_are_listed_with_who_holds_them(session: Session, alice: User, bob: User) -> None:
    share = accepted(session, bob, most_uses=2)
    sharing.revoke(accepted(session, bob), BY)
    accepted(session, bob, expires_at=timezone.now() + timedelta(hours=1))
    now = timezone.now() + timedelta(hours=2)
    session.viewers.create(user=bob)

    (shown,) = shares_of(session, now)

    assert (shown.pk, shown.control, shown.until) == (share.pk, False, None)
    assert shown.uses_left == "1 more may accept it"
    assert shown.holders == (Holder("bob", watching=True),)
    session.viewers.update(closed_at=now)
    assert shares_of(session, now)[0].holders == (Holder("bob", watching=False),)
    session.state = State.ENDED
    assert shares_of(session, now) == ()


def test_for_one_user_the_uses_do_not_matter(session: Session, alice: User, bob: User) -> None:
    sharing.make_share(session, Offer(user=bob, most_uses=1), alice, BY)
    assert shares_of(session, timezone.now())[0].uses_left == ""


def test_a_link_for_one_user_shows_what_that_user_may(session: Session, bob: User) -> None:
    share = accepted(session, bob, user=bob)
    many = accepted(session, bob)
    holders.hand_over(share.holders.get(), True, BY)
    shown = {found.pk: (found.control, found.for_many) for found in shares_of(session, timezone.now())}
    assert shown == {share.pk: (True, False), many.pk: (False, True)}


def test_a_card_says_what_its_user_may_alone(session: Session, bob: User) -> None:
    share = accepted(session, bob)
    assert not shared_cards(bob)[0].control
    holders.hand_over(share.holders.get(), True, BY)
    assert shared_cards(bob)[0].control


def test_a_card_has_what_a_guest_may_know(session: Session, alice: User, bob: User) -> None:
    until = timezone.now() + timedelta(hours=1)
    accepted(session, bob, control=True, expires_at=until)
    (card,) = shared_cards(bob)
    assert (card.pk, card.name, card.type_name, card.owner) == (session.pk, "Blade", "Pattern", "alice")
    assert (card.state, card.state_words, card.control, card.until) == ("running", "Running", True, until)
    assert shared_cards(alice) == ()


def test_a_session_that_is_being_ended_says_so(session: Session, bob: User) -> None:
    accepted(session, bob)
    Session.objects.update(wanted="stop")
    assert shared_cards(bob)[0].state_words == "Ending"


def test_guests_are_told_from_users(
    session: Session, alice: User, bob: User, with_guests: Any, come_as_guest: Callable[..., Any]
) -> None:
    accepted(session, bob)
    guests = [come_as_guest(session, name) for name in ("bob", "", "<b>")]
    for guest in guests:
        session.viewers.create(guest=guest)
    session.viewers.create(guest=guests[0])
    session.viewers.create()

    shown = shares_of(session, timezone.now())
    assert [share.holders for share in shown] == [
        (Holder("bob", watching=False),),
        *((Holder(name, watching=True),) for name in ("guest “bob”", "a guest", "guest “<b>”")),
    ]
    assert {share.whom for share in shown[1:]} == {"guests, and all who have the link"}


def test_a_browser_sees_where_it_is_a_guest(
    session: Session, with_guests: Any, browse: Callable[..., str], come_as_guest: Callable[..., Any]
) -> None:
    browser = browse()
    come_as_guest(session, browser=browser)
    (card,) = guest_cards(browser)
    assert (card.pk, card.name, card.owner) == (session.pk, "Blade", "alice")
    assert guest_cards(browse()) == guest_cards(None) == ()
    sharing.revoke(Share.objects.get(), BY)
    assert guest_cards(browser) == ()
