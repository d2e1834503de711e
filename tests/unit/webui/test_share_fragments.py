"""What pages are told of shares as they change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from remote_service import holders, sharing
from remote_service.actors import Actor
from remote_service.models import Session
from remote_service.sharing import Offer
from webui.share_fragments import of_picker, of_shares, viewer

BY = Actor("alice", "", "web")


@pytest.fixture
def session(alice: User, make_session: Callable[..., Session], make_type: Callable[..., Any]) -> Session:
    make_type("Pattern")
    return make_session(alice)


def test_the_owners_page_hears_of_rights_and_shares(session: Session, alice: User) -> None:
    found = viewer(alice, {"session": str(session.pk)})
    assert set(found) == {"ending", "rights", "shares", "watchers"}
    for element_id, html in found.items():
        assert f' id="{element_id}"' in html.partition(">")[0]


def test_a_guests_page_hears_of_the_end_and_its_own_rights_alone(session: Session, alice: User, bob: User) -> None:
    asked = {"session": str(session.pk)}
    ending = {"ending": '<div id="ending" data-until="" hidden></div>'}
    assert viewer(bob, asked) == {}
    share, secret = sharing.make_share(session, Offer(), alice, BY)
    sharing.accept(secret, bob, Actor("bob", "", "web"))
    assert viewer(bob, asked) == ending | {"rights": '<span id="rights" data-control="false" hidden></span>'}
    sharing.set_control(share, True, BY)
    assert viewer(bob, asked) == ending | {"rights": '<span id="rights" data-control="true" hidden></span>'}
    sharing.revoke(share, BY)
    assert viewer(bob, asked) == {}


@pytest.mark.parametrize("wanted", ["", "nonsense", "00000000-0000-0000-0000-000000000001"])
def test_of_what_is_no_session_there_is_nothing(alice: User, wanted: str) -> None:
    assert viewer(alice, {"session": wanted}) == {}


def test_buttons_are_there_for_those_who_may(session: Session, alice: User, watcher: User, manager: User) -> None:
    share, _ = sharing.make_share(session, Offer(), alice, BY)

    def buttons(user: User) -> tuple[bool, bool]:
        html = of_shares(user, session)["shares"]
        return f'id="rights-{share.pk}"' in html, f'id="revoke-{share.pk}"' in html

    assert [buttons(user) for user in (alice, manager, watcher)] == [(True, True), (False, True), (False, False)]


def test_each_holder_has_buttons_of_their_own(
    session: Session, alice: User, bob: User, watcher: User, manager: User
) -> None:
    share, secret = sharing.make_share(session, Offer(), alice, BY)
    sharing.accept(secret, bob, Actor("bob", "", "web"))
    holder = share.holders.get()

    def html(user: User = alice) -> str:
        return " ".join(of_shares(user, session)["shares"].split())

    def buttons(user: User) -> tuple[bool, bool]:
        return f'id="hand-{bob.pk}"' in html(user), f'id="admission-{bob.pk}"' in html(user)

    assert [buttons(user) for user in (alice, manager, watcher)] == [(True, True), (False, True), (False, False)]
    assert "Not looking now" in html() and "data-watcher" not in html()
    act = f'formaction="/sessions/{session.pk}/holders/{holder.pk}/rights" name="control"'
    assert f'{act} value="control"' in html() and "Give control</button>" in html()
    session.viewers.create(user=bob)
    holders.hand_over(holder, True, BY)
    assert "Looking now" in html() and "Not looking now" not in html() and 'data-watcher="bob"' in html()
    assert f'{act} value="view"' in html() and "Take control back</button>" in html()
    assert "Give control to all</button>" in html()
    holders.send_away(holder, BY)
    assert buttons(alice) == (False, True)
    assert 'value="in"' in html() and "Let in again</button>" in html()


def test_a_link_for_one_user_has_the_button_until_there_is_that_user(session: Session, alice: User, bob: User) -> None:
    share, secret = sharing.make_share(session, Offer(user=bob), alice, BY)
    assert f'id="rights-{share.pk}"' in of_shares(alice, session)["shares"]
    sharing.accept(secret, bob, Actor("bob", "", "web"))
    html = of_shares(alice, session)["shares"]
    assert f'id="rights-{share.pk}"' not in html and f'id="hand-{bob.pk}"' in html


def test_nobody_and_some_are_told_apart(session: Session, alice: User, bob: User) -> None:
    assert "hidden" in of_shares(alice, session)["watchers"]
    assert "Nobody else looks at this session, and it is not shared." in of_shares(alice, session)["shares"]
    session.viewers.create(user=bob)
    assert "1<span" in of_shares(alice, session)["watchers"]


def test_the_picker_hides_the_part_while_nothing_was_shared(alice: User) -> None:
    assert of_picker(alice)["shared"].startswith('<section class="part" id="shared" aria-labelledby="shared-title" hid')
