"""What an owner posts to let others in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from remote_service import access, sharing
from remote_service.actors import Actor
from remote_service.models import Session, Share, ShareHolder
from remote_service.sealing import token_hash
from remote_service.sharing import Offer

Visit = Callable[[User], Client]
OFFER = {"control": "view", "audience": "anyone", "lasts": "day"}


@pytest.fixture
def session(alice: User, make_session: Callable[..., Session], make_type: Callable[..., Any]) -> Session:
    make_type("Pattern")
    return make_session(alice)


@pytest.fixture
def share(session: Session, alice: User) -> Share:
    return sharing.make_share(session, Offer(), alice, Actor("alice", "", "web"))[0]


def address(session: Session, share: Share | None = None, act: str = "") -> str:
    return f"/sessions/{session.pk}/shares/" + (f"{share.pk}/{act}" if share else "")


def test_the_owner_gets_a_link_whose_secret_is_behind_the_hash(session: Session, alice: User, visit: Visit) -> None:
    answer = visit(alice).post(address(session), OFFER)

    assert answer.status_code == 201
    assert "no-store" in answer.headers["Cache-Control"]
    path, _, secret = answer.json()["link"].partition("#")
    assert path == "/share/"
    share = Share.objects.get()
    assert share.secret_hash == token_hash(secret)
    assert answer.json()["share"] == str(share.pk), "by it the page sees when the link is worth nothing any more"


def test_what_was_entered_wrongly_is_told_by_field(session: Session, alice: User, visit: Visit) -> None:
    answer = visit(alice).post(address(session), {**OFFER, "audience": "user", "user": "nobody"})

    assert (answer.status_code, answer.json()) == (400, {"errors": {"user": "There is no user “nobody”."}})
    assert not Share.objects.exists()


def test_staff_makes_no_links(session: Session, manager: User, watcher: User, bob: User, visit: Visit) -> None:
    for user, status in ((manager, 403), (watcher, 403), (bob, 404)):
        assert visit(user).post(address(session), OFFER).status_code == status


def test_a_session_of_a_type_that_is_not_shared_has_no_form(
    alice: User, visit: Visit, make_session: Callable[..., Session], make_type: Callable[..., Any]
) -> None:
    make_type("Secret", share="no")
    hers = make_session(alice, type_name="Secret")
    browser = visit(alice)
    for page in (f"/sessions/{hers.pk}/", f"/sessions/{hers.pk}/details/"):
        shown = browser.get(page).content.decode()
        assert 'id="share-make"' not in shown
        assert "Sessions of this type cannot be shared." in shown
        assert "Nobody else looks at this session" not in shown
    assert browser.post(address(hers), OFFER).status_code == 403


def test_control_is_handed_over_and_back_by_the_owner_alone(
    session: Session, share: Share, alice: User, bob: User, manager: User, visit: Visit
) -> None:
    act = address(session, share, "rights")
    for control in (True, False):
        answer = visit(alice).post(act, {"control": "control" if control else "view"})
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/sessions/{session.pk}/details/")
        share.refresh_from_db()
        assert share.control is control
    for user, status in ((manager, 403), (bob, 404)):
        assert visit(user).post(act, {"control": "control"}).status_code == status
    share.refresh_from_db()
    assert not share.control


def test_the_owner_and_who_manages_sessions_revoke(
    session: Session, share: Share, alice: User, bob: User, manager: User, watcher: User, visit: Visit
) -> None:
    act = address(session, share, "revoke")
    for user, status in ((watcher, 403), (bob, 404)):
        assert visit(user).post(act).status_code == status
    share.refresh_from_db()
    assert share.revoked_at is None
    assert visit(manager).post(act).status_code == 303
    assert visit(alice).post(act).status_code == 303
    share.refresh_from_db()
    assert share.revoked_at is not None
    assert session.events.get(what="share revoked").who == "mona"


def test_one_of_a_shares_holders_is_handed_control_by_the_owner_alone(
    session: Session, share: Share, alice: User, bob: User, charlie: User, manager: User, visit: Visit
) -> None:
    holder, other = (ShareHolder.objects.create(share=share, user=user) for user in (bob, charlie))
    act = f"/sessions/{session.pk}/holders/{holder.pk}/rights"
    for control in (True, False):
        answer = visit(alice).post(act, {"control": "control" if control else "view"})
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/sessions/{session.pk}/details/")
        assert access.may_control(bob, session) is control
        assert not access.may_control(charlie, session)
    for user, status in ((manager, 403), (bob, 404)):
        assert visit(user).post(act, {"control": "control"}).status_code == status
    assert not access.may_control(bob, session)
    assert other.own_control is None
    assert session.events.get(what="control given").who == "alice"


def test_the_owner_and_who_manages_sessions_send_one_away_and_let_them_in_again(
    session: Session, share: Share, alice: User, bob: User, manager: User, watcher: User, visit: Visit
) -> None:
    holder = ShareHolder.objects.create(share=share, user=bob)
    act = f"/sessions/{session.pk}/holders/{holder.pk}/admission"
    for user, status in ((watcher, 403), (bob, 404)):
        assert visit(user).post(act, {"admission": "out"}).status_code == status
    assert access.may_watch(bob, session)
    for user in (manager, alice):
        assert visit(user).post(act, {"admission": "out"}).status_code == 303
        assert not access.may_watch(bob, session)
        assert visit(user).post(act, {"admission": "in"}).status_code == 303
        assert access.may_watch(bob, session)


def test_a_holder_is_found_below_their_own_session_alone(
    share: Share, alice: User, bob: User, visit: Visit, make_session: Callable[..., Session]
) -> None:
    holder = ShareHolder.objects.create(share=share, user=bob)
    other = make_session(alice)
    for act in ("rights", "admission"):
        assert visit(alice).post(f"/sessions/{other.pk}/holders/{holder.pk}/{act}").status_code == 404


def test_a_share_is_found_below_its_own_session_alone(
    share: Share, alice: User, visit: Visit, make_session: Callable[..., Session]
) -> None:
    other = make_session(alice)
    assert visit(alice).post(address(other, share, "revoke")).status_code == 404


def test_the_lists_say_who_holds_what(
    session: Session, share: Share, alice: User, bob: User, visit: Visit, watcher: User
) -> None:
    made, secret = sharing.make_share(session, Offer(control=True, most_uses=3), alice, Actor("alice", "", "web"))
    sharing.accept(secret, bob, Actor("bob", "", "web"))
    sharing.say_why(session, watcher, "Ticket 4711", Actor("wanda", "", "web"))
    for user in (bob, watcher):
        session.viewers.create(user=user)

    shown = " ".join(visit(alice).get(f"/sessions/{session.pk}/details/").content.decode().split())

    assert '<bdi>bob</bdi></strong> <span class="pill running">may type and click</span>' in shown
    looks = (
        '<bdi>wanda</bdi></strong> <span class="pill">looks only</span></p> <p class="quiet">Staff: “Ticket 4711”</p>'
    )
    assert looks in shown
    assert 'data-watcher="bob"' in shown and 'data-why=""' in shown
    assert 'data-watcher="wanda"' in shown and 'data-why="Ticket 4711"' in shown
    assert "Accepted by: <bdi>bob</bdi> (looking now)" in shown
    assert "2 more may accept it" in shown
    assert "Nobody has accepted it yet." in shown
    assert f'formaction="/sessions/{session.pk}/shares/{made.pk}/rights" name="control" value="view"' in shown
    assert f'formaction="/sessions/{session.pk}/shares/{share.pk}/rights" name="control" value="control"' in shown
    assert secret not in shown
    assert access.may_control(bob, session)
