"""Where a share's link leads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from remote_service import access, sharing
from remote_service.actors import Actor
from remote_service.models import Session, Share, ShareHolder
from remote_service.sharing import LEADS_NOWHERE, Offer
from tests.conftest import GROUP

Visit = Callable[[User], Client]
Made = tuple[Session, str]


@pytest.fixture
def made(alice: User, make_session: Callable[..., Session], make_type: Callable[..., Any]) -> Made:
    """A session, and the secret of a link that one member of the group may accept."""
    make_type("Pattern", options={"group": GROUP})
    session = make_session(alice, title="Blade <3>")
    _, secret = sharing.make_share(session, Offer(most_uses=1), alice, Actor("alice", "", "web"))
    return session, secret


def test_the_page_is_the_same_for_every_link_and_needs_no_login(db: None) -> None:
    shown = Client().get("/share/").content.decode()
    assert "Log in to see what was shared with you." in shown
    assert 'href="/login/?next=/share/"' in shown
    assert 'id="share-accept"' not in shown


def test_fetching_the_page_and_asking_use_nothing_up(made: Made, bob: User, visit: Visit) -> None:
    _session, secret = made
    browser = visit(bob)
    for _ in range(3):
        assert browser.get("/share/").status_code == 200
        assert browser.post("/share/ask", {"secret": secret}).status_code == 200
    assert Share.objects.get().uses == 0
    assert not ShareHolder.objects.exists()


def test_the_offer_says_whose_what_and_how_far(made: Made, bob: User, alice: User, visit: Visit) -> None:
    _session, secret = made
    shown = visit(bob).post("/share/ask", {"secret": secret}).content.decode()
    assert "alice lets you in to the session “Blade &lt;3&gt;”." in shown
    assert "You may look at it; what you type and click does not reach it." in shown
    assert "Until the session ends." in shown
    assert "This link leads to your own session" in visit(alice).post("/share/ask", {"secret": secret}).content.decode()


def test_accepting_leads_to_the_session(made: Made, bob: User, visit: Visit) -> None:
    session, secret = made
    answer = visit(bob).post("/share/accept", {"secret": secret})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/sessions/{session.pk}/")
    assert access.may_watch(bob, session)
    assert Share.objects.get().uses == 1


@pytest.mark.parametrize("step", ["ask", "accept"])
@pytest.mark.parametrize("secret", ["", "nobody-has-this", "\0", "x" * 10_000])
def test_what_is_no_link_leads_nowhere(charlie: User, visit: Visit, step: str, secret: str) -> None:
    answer = visit(charlie).post(f"/share/{step}", {"secret": secret})
    assert answer.status_code == 404
    assert LEADS_NOWHERE in answer.content.decode()


@pytest.mark.parametrize("step", ["ask", "accept"])
def test_who_it_is_not_for_is_told_no_more_than_for_a_wrong_link(
    made: Made, charlie: User, visit: Visit, step: str
) -> None:
    session, secret = made
    answer = visit(charlie).post(f"/share/{step}", {"secret": secret})
    assert answer.status_code == 404
    shown = answer.content.decode()
    assert LEADS_NOWHERE in shown
    assert session.title not in shown and "alice" not in shown
    assert session.events.filter(what="share refused", who="charlie").exists()


@pytest.mark.parametrize("step", ["ask", "accept"])
def test_who_is_not_logged_in_is_led_to_the_login(made: Made, step: str) -> None:
    answer = Client().post(f"/share/{step}", {"secret": made[1]})
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login/")
    assert made[1] not in answer.headers["Location"]


def test_the_picker_has_what_was_shared_with_its_user(made: Made, bob: User, charlie: User, visit: Visit) -> None:
    session, secret = made
    card = f'id="shared-{session.pk}"'
    assert card not in visit(bob).get("/").content.decode()
    sharing.accept(secret, bob, Actor("bob", "", "web"))
    shown = visit(bob).get("/").content.decode()
    assert card in shown
    assert "<dd>look only</dd>" in shown
    assert card not in visit(charlie).get("/").content.decode()
    Share.objects.update(revoked_at=session.created_at)
    assert card not in visit(bob).get("/").content.decode()
