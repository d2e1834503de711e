"""Letting others in: what each act writes, what it refuses, and what it means for rights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.utils import timezone

from remote_service import access, holders, sharing
from remote_service.actors import Actor
from remote_service.errors import NotAllowedError, UnknownTokenError
from remote_service.models import Session, SessionEvent, SessionType, Share, ShareHolder
from remote_service.sealing import token_hash
from remote_service.sharing import LEADS_NOWHERE, Offer
from remote_service.states import State
from tests.conftest import GROUP

BY_ALICE = Actor("alice", "192.0.2.1", "web")
BY_BOB = Actor("bob", "192.0.2.2", "web")


@pytest.fixture
def session(alice: Any, make_type: Callable[..., Any]) -> Session:
    """Alice's, of a type of her group."""
    make_type("Team", options={"group": GROUP})
    return running(alice)


def running(owner: Any, type_name: str = "Team") -> Session:
    number = Session.objects.count()
    return Session.objects.create(
        type_name=type_name, index=number, owner=owner, username=owner.username, door="web", state=State.RUNNING,
        running_at=timezone.now(), token_hash=f"hash {number}",
    )  # fmt: skip


def share(session: Session, alice: Any, **offer: Any) -> tuple[Share, str]:
    return sharing.make_share(session, Offer(**offer), alice, BY_ALICE)


def refused(secret: str, user: Any, why: str) -> None:
    """Asserts the refusal and what the history says of it."""
    with pytest.raises(UnknownTokenError) as caught:
        sharing.accept(secret, user, Actor(user.username, "", "web"))
    assert str(caught.value) == LEADS_NOWHERE
    event = SessionEvent.objects.filter(what="share refused").latest("pk")
    assert (event.why.partition(" (")[0], event.who) == (why, user.username)


# ---- making -------------------------------------------------------------------------------------------------


def test_a_link_is_made_with_a_secret_that_is_stored_hashed(session: Session, alice: Any, bob: Any) -> None:
    made, secret = share(session, alice, user=bob)

    assert made.secret_hash == token_hash(secret)
    assert secret not in str(Share.objects.values().get())
    assert (made.audience, made.user, made.control, made.uses) == ("user", bob, False, 0)
    event = session.events.get(what="shared")
    assert (event.who, event.door) == ("alice", "web")
    assert event.why == f"share {str(made.pk)[:8]}: to bob, view only"
    assert secret not in event.why


def test_the_history_says_for_whom_and_no_time_that_would_not_be_the_readers(
    session: Session, alice: Any, group: Group
) -> None:
    until = timezone.now() + timedelta(hours=1)
    made, _ = share(session, alice, group=group, control=True, expires_at=until)
    anyone, _ = share(session, alice)

    assert sharing.in_words(made) == f"share {str(made.pk)[:8]}: to the group {GROUP}, with control"
    assert sharing.in_words(anyone).endswith(": to anyone who is logged in, view only")


@pytest.mark.parametrize("who", ["bob", "root"])
def test_nobody_but_the_owner_shares(session: Session, bob: Any, make_user: Callable[..., Any], who: str) -> None:
    user = bob if who == "bob" else make_user("root", is_superuser=True)
    with pytest.raises(NotAllowedError) as caught:
        sharing.make_share(session, Offer(), user, BY_BOB)
    assert str(caught.value) == "This session cannot be shared by you."
    assert not Share.objects.exists()


def test_a_type_can_forbid_it(alice: Any, make_type: Callable[..., Any]) -> None:
    make_type("Secret", share="no")
    hers = running(alice, "Secret")
    assert not access.may_share(alice, hers)
    with pytest.raises(NotAllowedError, match=r"^This session cannot be shared by you\.$"):
        share(hers, alice)


def test_a_session_of_a_type_that_is_gone_is_shared_no_more(alice: Any, db: None) -> None:
    assert not access.may_share(alice, running(alice, "Gone"))


def test_a_session_that_is_over_is_shared_no_more(session: Session, alice: Any) -> None:
    session.state = State.ENDED
    assert not access.may_share(alice, session)


def test_who_may_not_come_is_told_to_the_owner_at_once(session: Session, alice: Any, charlie: Any) -> None:
    with pytest.raises(NotAllowedError) as caught:
        share(session, alice, user=charlie)
    assert str(caught.value) == "'charlie' may not see sessions of this type."


def test_nobody_shares_with_oneself(session: Session, alice: Any) -> None:
    with pytest.raises(NotAllowedError) as caught:
        share(session, alice, user=alice)
    assert str(caught.value) == "This is your own session: share it with somebody else."
    assert not Share.objects.exists()


def test_a_session_has_no_more_links_than_so_many(
    session: Session, alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "MOST_SHARES", 2)
    share(session, alice, expires_at=timezone.now() - timedelta(seconds=1))  # counts no more
    first, _ = share(session, alice)
    share(session, alice)

    with pytest.raises(NotAllowedError) as caught:
        share(session, alice)

    assert str(caught.value) == "This session has 2 links already. Revoke one that is not needed."
    sharing.revoke(first, BY_ALICE)
    assert share(session, alice)


def test_a_type_may_let_others_in(alice: Any, charlie: Any, make_type: Callable[..., Any]) -> None:
    make_type("Open house", options={"group": GROUP}, share="outside")
    hers = running(alice, "Open house")
    _, secret = share(hers, alice, user=charlie)
    sharing.accept(secret, charlie, Actor("charlie", "", "web"))
    assert access.may_watch(charlie, hers)


# ---- accepting ----------------------------------------------------------------------------------------------


def test_an_accepted_share_lets_its_holder_look_and_no_more(session: Session, alice: Any, bob: Any) -> None:
    made, secret = share(session, alice, user=bob)
    assert not access.may_watch(bob, session), "the link alone opens nothing"

    assert sharing.accept(secret, bob, BY_BOB) == made

    assert access.may_watch(bob, session)
    assert not access.may_control(bob, session)
    assert not access.may_view(bob, session), "its history and log are not shared"
    assert not access.may_stop(bob, session)
    assert not access.may_share(bob, session)
    event = session.events.get(what="share accepted")
    assert (event.who, event.why) == ("bob", sharing.in_words(made))


def test_looking_at_the_offer_uses_nothing_up(session: Session, alice: Any, bob: Any) -> None:
    made, secret = share(session, alice, most_uses=1)
    for _ in range(3):
        assert sharing.find_offer(secret, bob, BY_BOB) == made
    made.refresh_from_db()
    assert made.uses == 0
    assert not ShareHolder.objects.exists()


def test_each_person_uses_it_once(session: Session, alice: Any, bob: Any, make_user: Callable[..., Any]) -> None:
    group = Group.objects.get(name=GROUP)
    made, secret = share(session, alice, most_uses=2)
    for _ in range(3):
        sharing.accept(secret, bob, BY_BOB)
    sharing.accept(secret, make_user("dora", groups=(group,)), Actor("dora", "", "web"))
    made.refresh_from_db()
    assert made.uses == 2
    refused(secret, make_user("emil", groups=(group,)), "It was used up.")
    assert sharing.accept(secret, bob, BY_BOB) == made, "who holds it is not kept out by that"
    assert session.events.filter(what="share accepted").count() == 2


def test_the_last_use_is_given_once_even_to_two_at_the_same_moment(
    session: Session, alice: Any, bob: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, secret = share(session, alice, most_uses=1)
    found = sharing.find_offer(secret, bob, BY_BOB)
    Share.objects.filter(pk=made.pk).update(uses=1)
    monkeypatch.setattr(sharing, "find_offer", lambda *_: found)
    with pytest.raises(UnknownTokenError):
        sharing.accept(secret, bob, BY_BOB)
    assert not ShareHolder.objects.exists()


@pytest.mark.parametrize("meanwhile", ["sent away", "expired", "revoked"])
def test_what_is_decided_while_somebody_accepts_counts(
    session: Session, alice: Any, bob: Any, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    made, first = share(session, alice)
    sharing.accept(first, bob, BY_BOB)
    another, secret = share(session, alice)

    def decided(who: Any, found: Share) -> bool:
        """The last that `accept` looks at before it writes."""
        if meanwhile == "sent away":
            holders.send_away(ShareHolder.objects.get(share=made), BY_ALICE)
        elif meanwhile == "expired":
            Share.objects.filter(pk=another.pk).update(expires_at=timezone.now())
        else:
            sharing.revoke(another, BY_ALICE)
        return False

    monkeypatch.setattr(sharing, "_holds", decided)
    with pytest.raises(UnknownTokenError) as caught:
        sharing.accept(secret, bob, BY_BOB)

    assert str(caught.value) == LEADS_NOWHERE
    assert not ShareHolder.objects.filter(share=another).exists()
    assert Share.objects.get(pk=another.pk).uses == 0


def test_the_owner_who_opens_her_own_link_uses_nothing_up(session: Session, alice: Any) -> None:
    made, secret = share(session, alice, most_uses=1)
    assert sharing.accept(secret, alice, BY_ALICE) == made
    made.refresh_from_db()
    assert made.uses == 0


def test_a_link_for_somebody_else_leads_nowhere(session: Session, alice: Any, bob: Any, charlie: Any) -> None:
    _, secret = share(session, alice, user=bob)
    refused(secret, charlie, "It is for somebody else.")


def test_a_link_for_anyone_leads_nobody_outside_the_types_group(session: Session, alice: Any, charlie: Any) -> None:
    _, secret = share(session, alice)
    refused(secret, charlie, "Who opened it is in no group of the session's type.")


def test_a_link_that_was_never_made_leads_nowhere(charlie: Any) -> None:
    refused("nobody-has-this", charlie, "A link of a share that does not exist was opened.")


def test_a_link_leads_nowhere_once_its_session_is_over(session: Session, alice: Any, bob: Any) -> None:
    _, secret = share(session, alice)
    sharing.accept(secret, bob, BY_BOB)
    Session.objects.filter(pk=session.pk).update(state=State.ENDED)
    session.refresh_from_db()
    refused(secret, bob, "Its session is over.")
    assert not access.may_watch(bob, session)
    assert access.shared_with(bob) == {}


# ---- what ends it, and what changes it ----------------------------------------------------------------------


def test_revoking_ends_it_for_all_who_hold_it(session: Session, alice: Any, bob: Any) -> None:
    made, secret = share(session, alice)
    sharing.accept(secret, bob, BY_BOB)

    assert sharing.revoke(made, BY_ALICE)

    assert not sharing.revoke(made, BY_ALICE), "once"
    assert not access.may_watch(bob, session)
    assert session.events.filter(what="share revoked", who="alice").count() == 1
    refused(secret, bob, "It was revoked.")


def test_it_expires(session: Session, alice: Any, bob: Any) -> None:
    made, secret = share(session, alice, expires_at=timezone.now() + timedelta(hours=1))
    sharing.accept(secret, bob, BY_BOB)
    assert access.may_watch(bob, session)
    Share.objects.filter(pk=made.pk).update(expires_at=timezone.now())
    assert not access.may_watch(bob, session)


def test_who_left_the_group_holds_nothing_any_more(session: Session, alice: Any, bob: Any, group: Group) -> None:
    _, secret = share(session, alice, user=bob)
    sharing.accept(secret, bob, BY_BOB)
    bob.groups.clear()
    assert not access.may_watch(bob, session)
    bob.groups.add(group)
    assert access.may_watch(bob, session)


def test_who_was_blocked_holds_nothing_any_more(session: Session, alice: Any, bob: Any) -> None:
    _, secret = share(session, alice, user=bob)
    sharing.accept(secret, bob, BY_BOB)
    bob.is_active = False
    assert not access.may_watch(bob, session)


def test_control_is_handed_over_and_taken_back(session: Session, alice: Any, bob: Any) -> None:
    made, secret = share(session, alice, user=bob)
    sharing.accept(secret, bob, BY_BOB)

    assert sharing.set_control(made, True, BY_ALICE)
    assert not sharing.set_control(made, True, BY_ALICE), "it was so already"
    assert access.may_control(bob, session)
    assert sharing.set_control(made, False, BY_ALICE)
    assert not access.may_control(bob, session)

    whats = session.events.filter(what__startswith="control").values_list("what", "why")
    reference = str(made.pk)[:8]
    assert list(whats) == [
        ("control given", f"share {reference}: to bob, with control"),
        ("control taken back", f"share {reference}: to bob, view only"),
    ]


def test_no_control_is_given_by_a_share_that_was_revoked(session: Session, alice: Any) -> None:
    made, _ = share(session, alice)
    sharing.revoke(made, BY_ALICE)
    assert not sharing.set_control(made, True, BY_ALICE)


def test_of_two_shares_the_better_counts(session: Session, alice: Any, bob: Any) -> None:
    for control in (True, False):
        _, secret = share(session, alice, control=control)
        sharing.accept(secret, bob, BY_BOB)
    assert access.may_control(bob, session)
    assert access.shared_with(bob)[session.pk].control


def test_a_look_at_a_guests_rights_is_a_few_queries(
    session: Session, alice: Any, bob: Any, django_assert_max_num_queries: Any
) -> None:
    _, secret = share(session, alice)
    sharing.accept(secret, bob, BY_BOB)
    with django_assert_max_num_queries(4):
        assert access.screen_rights(bob, session) == access.ScreenRights(watch=True, control=False)
    with django_assert_max_num_queries(0):
        assert access.screen_rights(alice, session).control


def test_all_that_is_shared_with_somebody_is_found_in_a_few_queries(
    session: Session, alice: Any, bob: Any, django_assert_max_num_queries: Any
) -> None:
    sessions = [session, *(running(alice) for _ in range(5))]
    for one in sessions:
        _, secret = share(one, alice)
        sharing.accept(secret, bob, BY_BOB)
    with django_assert_max_num_queries(3):
        assert set(access.shared_with(bob)) == {one.pk for one in sessions}
    with django_assert_max_num_queries(1):
        assert access.shared_with(alice) == {}


# ---- staff --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("permission", "control"), [("view_any_session", False), ("manage_any_session", True)])
def test_staff_look_after_having_said_why(
    session: Session, make_user: Callable[..., Any], permission: str, control: bool
) -> None:
    staff = make_user("sam", permissions=(permission,))
    assert not access.may_watch(staff, session)
    assert not access.may_control(staff, session)
    assert access.must_say_why(staff, session)

    sharing.say_why(session, staff, "Ticket 4711", Actor("sam", "192.0.2.9", "web"))

    assert access.may_watch(staff, session)
    assert access.may_control(staff, session) is control
    assert not access.must_say_why(staff, session)
    event = session.events.get(what="staff looks")
    assert (event.who, event.why, event.address) == ("sam", "Ticket 4711", "192.0.2.9")
    session.staff_looks.update(at=timezone.now() - timedelta(hours=8))
    assert not access.may_watch(staff, session), "a reason does not count for ever"


def test_a_reason_is_worth_nothing_without_the_permission(
    session: Session, bob: Any, make_user: Callable[..., Any]
) -> None:
    with pytest.raises(NotAllowedError) as caught:
        sharing.say_why(session, bob, "Curious", BY_BOB)
    assert str(caught.value) == "Who is no staff needs a share to see somebody else's session."
    staff = make_user("sam", permissions=("view_any_session",))
    sharing.say_why(session, staff, "Ticket 4711", Actor("sam", "", "web"))
    staff = type(staff).objects.get(pk=staff.pk)
    staff.user_permissions.clear()
    assert not access.may_watch(type(staff).objects.get(pk=staff.pk), session)


def test_a_reason_counts_for_one_session(session: Session, alice: Any, make_user: Callable[..., Any]) -> None:
    staff = make_user("sam", permissions=("view_any_session",))
    sharing.say_why(session, staff, "Ticket 4711", Actor("sam", "", "web"))
    assert access.must_say_why(staff, running(alice))


def test_owners_need_no_reason(session: Session, alice: Any) -> None:
    assert not access.must_say_why(alice, session)


# ---- guests -------------------------------------------------------------------------------------------------

STRANGER = Actor("", "192.0.2.8", "web")


@pytest.fixture
def open_session(alice: Any, make_type: Callable[..., Any]) -> Session:
    """Alice's, of a type without a group."""
    make_type("Open")
    return running(alice, "Open")


def test_nobody_makes_a_link_for_guests_unless_the_site_lets_them_in(
    open_session: Session, alice: Any, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(NotAllowedError) as caught:
        share(open_session, alice, guests=True)
    assert str(caught.value) == "This site lets in nobody without an account."
    request.getfixturevalue("with_guests")
    made, _ = share(open_session, alice, guests=True)
    assert (made.audience, made.most_uses) == ("guests", 100)
    assert sharing.in_words(made).endswith(": to anyone with the link, without an account too, view only")


def test_a_type_with_a_group_has_no_guests_unless_it_is_shared_outside(
    session: Session, alice: Any, make_type: Callable[..., Any], with_guests: Any, come_as_guest: Callable[..., Any]
) -> None:
    with pytest.raises(NotAllowedError) as caught:
        share(session, alice, guests=True)
    assert str(caught.value) == "Who has no account may not see sessions of this type."
    make_type("Open house", options={"group": GROUP}, share="outside")
    hers = running(alice, "Open house")
    assert access.may_watch(come_as_guest(hers), hers)


def test_a_guest_may_look_and_nothing_else(
    open_session: Session, alice: Any, with_guests: Any, come_as_guest: Callable[..., Any]
) -> None:
    guest = come_as_guest(open_session, "Maria")

    assert access.screen_rights(guest, open_session) == access.ScreenRights(watch=True, control=False)
    other = running(alice, "Open")
    assert not access.may_watch(guest, other)
    for rule in (access.may_view, access.may_stop, access.may_share, access.may_revoke, access.may_keep):
        assert not rule(guest, open_session)
    assert not access.may_start(guest, open_session)
    assert not access.must_say_why(guest, open_session)
    assert not access.may_manage(guest)
    assert access.usable_types(guest) == []
    assert not access.visible_sessions(guest).exists()
    event = open_session.events.get(what="share accepted")
    assert (event.who, event.address) == ("guest “Maria”", "192.0.2.8")


def test_a_guest_with_control_works_in_it_but_neither_starts_nor_keeps_it(
    open_session: Session, bob: Any, alice: Any, with_guests: Any, come_as_guest: Callable[..., Any]
) -> None:
    guest = come_as_guest(open_session, control=True)
    assert access.may_control(guest, open_session)
    assert not access.may_start(guest, open_session)
    assert not access.may_keep(guest, open_session)
    _, secret = share(open_session, alice, control=True)
    sharing.accept(secret, bob, BY_BOB)
    assert access.may_start(bob, open_session), "a user with control does"
    assert access.may_keep(bob, open_session)


def test_each_browser_uses_a_link_once(
    open_session: Session, alice: Any, with_guests: Any, browse: Callable[..., str]
) -> None:
    made, secret = share(open_session, alice, guests=True, most_uses=2)
    hers, his = browse(), browse()
    for browser in (hers, hers, his):
        found = sharing.find_offer(secret, AnonymousUser(), STRANGER, browser)
        sharing.accept_as_guest(found, browser, "", STRANGER)
    made.refresh_from_db()
    assert made.uses == 2
    with pytest.raises(UnknownTokenError):
        sharing.find_offer(secret, AnonymousUser(), STRANGER, browse())
    assert sharing.find_offer(secret, AnonymousUser(), STRANGER, hers) == made, "who holds it is not kept out by that"


def test_the_last_use_is_given_to_one_guest(
    open_session: Session, alice: Any, with_guests: Any, browse: Callable[..., str]
) -> None:
    made, secret = share(open_session, alice, guests=True, most_uses=1)
    found = sharing.find_offer(secret, AnonymousUser(), STRANGER, None)
    Share.objects.filter(pk=made.pk).update(uses=1)
    with pytest.raises(UnknownTokenError, match="This link leads nowhere"):
        sharing.accept_as_guest(found, browse(), "", STRANGER)
    assert not ShareHolder.objects.exists()


@pytest.mark.parametrize("offer", ["user", "group", "anyone"])
def test_a_link_that_is_not_for_guests_leads_them_nowhere(
    open_session: Session, alice: Any, bob: Any, group: Group, with_guests: Any, offer: str
) -> None:
    _, secret = share(open_session, alice, **{"user": {"user": bob}, "group": {"group": group}}.get(offer, {}))
    with pytest.raises(UnknownTokenError) as caught:
        sharing.find_offer(secret, AnonymousUser(), STRANGER)
    assert str(caught.value) == LEADS_NOWHERE
    assert SessionEvent.objects.get(what="share refused").why.startswith("It is for somebody else.")


def test_where_the_owner_was_removed_nobody_is_taken_for_her(
    open_session: Session, alice: Any, with_guests: Any
) -> None:
    _, secret = share(open_session, alice)
    Session.objects.update(owner=None)
    with pytest.raises(UnknownTokenError):
        sharing.find_offer(secret, AnonymousUser(), STRANGER)


def test_who_is_logged_in_may_accept_a_link_for_guests_as_a_user(
    open_session: Session, alice: Any, charlie: Any, with_guests: Any
) -> None:
    made, secret = share(open_session, alice, guests=True)
    sharing.accept(secret, charlie, Actor("charlie", "", "web"))
    assert access.may_watch(charlie, open_session)
    assert made.holders.get().user == charlie


def test_turning_the_switch_off_ends_it_for_all(
    open_session: Session, alice: Any, charlie: Any, with_guests: Any, settings: Any, come_as_guest: Callable[..., Any]
) -> None:
    guest = come_as_guest(open_session)
    _, secret = share(open_session, alice, guests=True)
    sharing.accept(secret, charlie, Actor("charlie", "", "web"))
    settings.REMOTE_SERVICE = replace(with_guests, guests=False)
    for who in (guest, charlie):
        assert not access.may_watch(who, open_session)
    with pytest.raises(UnknownTokenError):
        sharing.find_offer(secret, AnonymousUser(), STRANGER)


@pytest.mark.parametrize("end", ["revoked", "expired", "over", "type gone", "type not shared"])
def test_what_ends_a_share_ends_a_guests_right(
    open_session: Session, with_guests: Any, come_as_guest: Callable[..., Any], end: str
) -> None:
    guest = come_as_guest(open_session)
    match end:
        case "revoked":
            sharing.revoke(Share.objects.get(), BY_ALICE)
        case "expired":
            Share.objects.update(expires_at=timezone.now())
        case "over":
            open_session.state = State.ENDED
            open_session.save()
        case "type gone":
            SessionType.objects.all().delete()
        case "type not shared":
            row = SessionType.objects.get()
            row.stored_definition["share"] = "no"
            row.save()
    assert not access.may_watch(guest, open_session)
