"""What is done about one of those who hold shares, and about nobody else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from remote_service import access, holders, sharing
from remote_service.actors import Actor
from remote_service.errors import UnknownTokenError
from remote_service.models import Guest, Session, SessionEvent, Share, ShareHolder
from remote_service.sharing import LEADS_NOWHERE, Offer
from remote_service.states import State

BY_ALICE = Actor("alice", "192.0.2.1", "web")


@pytest.fixture
def session(alice: Any, make_type: Callable[..., Any]) -> Session:
    """Alice's, of a type without a group."""
    make_type("Open")
    return Session.objects.create(
        type_name="Open", index=0, owner=alice, username="alice", door="web", state=State.RUNNING,
        running_at=timezone.now(), token_hash="hash",
    )  # fmt: skip


@pytest.fixture
def link(session: Session, alice: Any) -> tuple[Share, str]:
    """For all, to look."""
    return make(session, alice)


def make(session: Session, alice: Any, **offer: Any) -> tuple[Share, str]:
    return sharing.make_share(session, Offer(**offer), alice, BY_ALICE)


def accept(link: tuple[Share, str], user: Any) -> ShareHolder:
    share, secret = link
    sharing.accept(secret, user, Actor(user.username, "", "web"))
    return ShareHolder.objects.get(share=share, user=user)


def refused(link: tuple[Share, str], user: Any) -> str:
    """Asserts that the link leads nowhere; returns why, as the history has it."""
    with pytest.raises(UnknownTokenError) as caught:
        sharing.accept(link[1], user, Actor(user.username, "", "web"))
    assert str(caught.value) == LEADS_NOWHERE
    return SessionEvent.objects.filter(what="share refused").latest("pk").why.partition(" (")[0]


# ---- control ------------------------------------------------------------------------------------------------


def test_control_is_handed_to_one_of_those_who_hold_a_link_and_taken_back(
    session: Session, link: tuple[Share, str], bob: Any, charlie: Any
) -> None:
    held, _ = accept(link, bob), accept(link, charlie)

    assert holders.hand_over(held, True, BY_ALICE)
    assert not holders.hand_over(held, True, BY_ALICE), "it was so already"
    assert (access.may_control(bob, session), access.may_control(charlie, session)) == (True, False)
    assert holders.hand_over(held, False, BY_ALICE)
    assert (access.may_control(bob, session), access.may_control(charlie, session)) == (False, False)
    assert access.may_watch(bob, session)

    told = session.events.filter(what__startswith="control").values_list("what", "who", "address", "why")
    why = f"bob alone, of {link[0].reference}"
    assert list(told) == [
        ("control given", "alice", "192.0.2.1", why),
        ("control taken back", "alice", "192.0.2.1", why),
    ]


def test_it_is_taken_back_from_one_while_the_others_keep_what_the_link_gives(
    session: Session, alice: Any, bob: Any, charlie: Any
) -> None:
    link = make(session, alice, control=True)
    held, _ = accept(link, bob), accept(link, charlie)
    assert not holders.hand_over(held, True, BY_ALICE), "the link gives it"
    assert holders.hand_over(held, False, BY_ALICE)
    assert (access.may_control(bob, session), access.may_control(charlie, session)) == (False, True)
    accept(link, bob)
    assert not access.may_control(bob, session), "to accept it again changes nothing"


def test_what_is_decided_about_all_counts_for_each(
    session: Session, link: tuple[Share, str], bob: Any, charlie: Any
) -> None:
    share = link[0]
    held, _ = accept(link, bob), accept(link, charlie)
    holders.hand_over(held, True, BY_ALICE)
    assert sharing.set_control(share, False, BY_ALICE), "one had it"
    assert not access.may_control(bob, session)
    holders.hand_over(held, False, BY_ALICE)
    assert sharing.set_control(share, True, BY_ALICE)
    assert access.may_control(bob, session)
    holders.hand_over(held, False, BY_ALICE)
    assert sharing.set_control(share, True, BY_ALICE), "one had it not"
    assert (access.may_control(bob, session), access.may_control(charlie, session)) == (True, True)


def test_it_is_one_person_with_all_that_they_hold(session: Session, alice: Any, bob: Any) -> None:
    links = [make(session, alice, control=control) for control in (True, False, True)]
    held = [accept(link, bob) for link in links]
    assert access.may_control(bob, session)
    assert holders.hand_over(held[1], False, BY_ALICE)
    assert not access.may_control(bob, session)
    why = session.events.get(what="control taken back").why
    assert why == f"bob alone, of {links[0][0].reference}, {links[2][0].reference}"


def test_from_whom_it_was_taken_back_gets_it_by_no_other_link_for_many(session: Session, alice: Any, bob: Any) -> None:
    first, other, hers = (make(session, alice, control=True, **to) for to in ({}, {}, {"user": bob}))
    held = accept(first, bob)
    assert holders.control_by(other[0], bob)
    holders.hand_over(held, False, BY_ALICE)
    assert not holders.control_by(first[0], bob)
    assert not holders.control_by(other[0], bob)
    accept(other, bob)
    assert not access.may_control(bob, session)
    accept(hers, bob)
    assert access.may_control(bob, session), "that link is for him by name"


def test_it_ends_with_the_share(session: Session, link: tuple[Share, str], bob: Any) -> None:
    held = accept(link, bob)
    holders.hand_over(held, True, BY_ALICE)
    Share.objects.update(expires_at=timezone.now())
    assert access.screen_rights(bob, session) == access.ScreenRights(watch=False, control=False)
    sharing.revoke(link[0], BY_ALICE)
    assert not holders.hand_over(held, False, BY_ALICE), "there is nothing to take back"


def test_a_guest_is_one_browser_and_no_other_of_the_same_name(
    session: Session, alice: Any, with_guests: Any, browse: Callable[..., str]
) -> None:
    link = make(session, alice, guests=True)
    maria, other = (_come(link, browse(), "Maria") for _ in range(2))
    assert holders.hand_over(ShareHolder.objects.get(guest=maria), True, BY_ALICE)
    assert (access.may_control(maria, session), access.may_control(other, session)) == (True, False)
    assert session.events.get(what="control given").why == f"guest “Maria” alone, of {link[0].reference}"


def _come(link: tuple[Share, str], browser: str, name: str) -> Guest:
    by = Actor("", "192.0.2.8", "web")
    return sharing.accept_as_guest(sharing.find_offer(link[1], AnonymousUser(), by, browser), browser, name, by)


# ---- sent away ----------------------------------------------------------------------------------------------


def test_one_is_sent_away_and_kept_out_while_the_link_remains(
    session: Session, alice: Any, bob: Any, charlie: Any
) -> None:
    link, other = make(session, alice, control=True), make(session, alice)
    held, _ = accept(link, bob), accept(link, charlie)

    assert holders.send_away(held, BY_ALICE)

    assert not holders.send_away(held, BY_ALICE), "once"
    assert access.screen_rights(bob, session) == access.ScreenRights(watch=False, control=False)
    assert access.shared_with(bob) == {}
    assert access.may_control(charlie, session)
    assert refused(link, bob) == refused(other, bob) == "Who opened it was sent away by the owner."
    event = session.events.get(what="sent away")
    assert (event.who, event.why) == ("alice", f"bob alone, of {link[0].reference}")


def test_who_was_sent_away_comes_by_a_link_that_is_made_afterwards(session: Session, alice: Any, bob: Any) -> None:
    link = make(session, alice)
    holders.send_away(accept(link, bob), BY_ALICE)
    Share.objects.update(made_at=timezone.now() - timedelta(hours=1))
    accept(make(session, alice), bob)
    assert access.may_watch(bob, session)
    assert refused(link, bob), "and by no other"


def test_who_was_sent_away_may_be_let_in_again(session: Session, link: tuple[Share, str], bob: Any) -> None:
    held = accept(link, bob)
    assert not holders.let_in_again(held, BY_ALICE), "who was never sent away"
    holders.send_away(held, BY_ALICE)
    assert holders.let_in_again(held, BY_ALICE)
    assert access.may_watch(bob, session)
    accept(link, bob)
    assert session.events.get(what="let in again").why == f"bob alone, of {link[0].reference}"


def test_a_guest_who_was_sent_away_stays_out_with_that_browser(
    session: Session, alice: Any, with_guests: Any, browse: Callable[..., str]
) -> None:
    link, browser = make(session, alice, guests=True), browse()
    guest = _come(link, browser, "Maria")
    assert holders.send_away(ShareHolder.objects.get(guest=guest), BY_ALICE)
    assert not access.may_watch(guest, session)
    with pytest.raises(UnknownTokenError):
        _come(link, browser, "Maria again")
