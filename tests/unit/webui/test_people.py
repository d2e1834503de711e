"""Who was let in, one by one, as pages show them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from remote_service import holders, sharing
from remote_service.actors import Actor
from remote_service.models import Session, Share, ShareHolder
from remote_service.sharing import Offer
from remote_service.states import State
from tests.conftest import GROUP
from webui.people import Person, people_of, person_words, whom

BY = Actor("alice", "", "web")


@pytest.fixture
def session(alice: User, make_session: Callable[..., Session], make_type: Callable[..., Any]) -> Session:
    make_type("Pattern")
    return make_session(alice, title="Blade")


def accepted(session: Session, by: User, **offer: Any) -> ShareHolder:
    assert session.owner is not None
    share, secret = sharing.make_share(session, Offer(**offer), session.owner, BY)
    sharing.accept(secret, by, Actor(by.username, "", "web"))
    return ShareHolder.objects.get(share=share, user=by)


def shown(session: Session) -> dict[str, Person]:
    return {person.name: person for person in people_of(session, timezone.now())}


def test_it_is_said_for_whom_a_share_is(session: Session, alice: User, bob: User, group: Group) -> None:
    offers = [Offer(user=bob), Offer(group=group), Offer()]
    shares = [sharing.make_share(session, offer, alice, BY)[0] for offer in offers]
    assert [whom(share) for share in shares] == ["bob", f"the group {GROUP}", "all who have the link"]


def test_nobody_is_called_nothing(bob: User) -> None:
    assert (person_words(bob, None), person_words(None, None)) == ("bob", "")


def test_who_looks_comes_first_staff_with_what_they_said_and_the_owner_not_at_all(
    session: Session,
    alice: User,
    bob: User,
    charlie: User,
    watcher: User,
    manager: User,
    make_user: Callable[..., User],
) -> None:
    boss = make_user("zora", permissions=["manage_any_session"])
    held = accepted(session, bob)
    away = accepted(session, charlie)
    sharing.say_why(session, watcher, "Ticket 4711", BY)
    sharing.say_why(session, watcher, "Ticket 4712", BY)
    sharing.say_why(session, boss, "Ticket 4713", BY)
    for user in (alice, watcher, boss, bob, bob):
        session.viewers.create(user=user)
    session.viewers.create(user=manager, closed_at=timezone.now())

    by = ("all who have the link",)
    assert people_of(session, timezone.now()) == (
        Person("bob", str(bob.pk), True, holding=held.pk, by=by),
        Person("wanda", str(watcher.pk), True, why="Ticket 4712"),
        Person("zora", str(boss.pk), True, why="Ticket 4713", control=True),
        Person("charlie", str(charlie.pk), False, holding=away.pk, by=by),
    )


def test_where_nobody_types_staff_does_not_either(session: Session, make_user: Callable[..., User]) -> None:
    boss = make_user("zora", permissions=["manage_any_session"])
    sharing.say_why(session, boss, "Ticket 4713", BY)
    session.viewers.create(user=boss)
    session.stored_viewer_policy = {"view_only": True}

    assert shown(session)["zora"] == Person("zora", str(boss.pk), True, why="Ticket 4713", control=False)


def test_what_one_may_alone_is_shown(session: Session, bob: User, charlie: User) -> None:
    held, _ = accepted(session, bob), accepted(session, charlie)
    holders.hand_over(held, True, BY)
    assert {name: person.control for name, person in shown(session).items()} == {"bob": True, "charlie": False}
    holders.send_away(held, BY)
    assert (shown(session)["bob"].sent_away, shown(session)["bob"].control) == (True, False)
    accepted(session, bob, user=bob)
    assert not shown(session)["bob"].sent_away, "a later link lets them in"
    assert not shown(session)["bob"].control, "and what they held before does not count again with it"


def test_one_person_with_several_links_is_listed_once(session: Session, bob: User) -> None:
    accepted(session, bob)
    accepted(session, bob)
    accepted(session, bob, user=bob, control=True)
    assert (shown(session)["bob"].by, shown(session)["bob"].control) == (("all who have the link",), True)


def test_who_holds_nothing_that_counts_is_listed_while_looking_alone(session: Session, bob: User) -> None:
    held = accepted(session, bob, control=True)
    Share.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    assert shown(session) == {}
    session.viewers.create(user=bob)
    assert shown(session) == {"bob": Person("bob", str(bob.pk), True)}
    Share.objects.update(expires_at=None)
    assert shown(session)["bob"].holding == held.pk
    session.state = State.ENDED
    assert shown(session)["bob"].holding is None


def test_guests_are_told_from_users_and_from_each_other(
    session: Session, bob: User, with_guests: Any, come_as_guest: Callable[..., Any]
) -> None:
    accepted(session, bob)
    guests = [come_as_guest(session, name) for name in ("bob", "", "<b>", "bob")]
    for guest in guests:
        session.viewers.create(guest=guest)
    session.viewers.create(guest=guests[0])
    session.viewers.create()

    people = people_of(session, timezone.now())

    assert [person.name for person in people] == ["a guest", "guest “<b>”", "guest “bob”", "guest “bob”", "bob"]
    assert len({person.key for person in people}) == len({person.holding for person in people}) == 5


def test_however_many_there_are_they_are_found_in_a_few_queries(
    session: Session, with_guests: Any, come_as_guest: Callable[..., Any], django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        session.viewers.create(guest=come_as_guest(session))
    with django_assert_max_num_queries(4):
        assert len(people_of(session, timezone.now())) == 5
