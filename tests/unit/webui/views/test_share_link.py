"""Where a share's link leads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from remote_service import access, guests, holders, sharing
from remote_service.actors import Actor
from remote_service.admission import links
from remote_service.models import Guest, Session, Share, ShareHolder
from remote_service.sharing import LEADS_NOWHERE, Offer
from tests.conftest import GROUP

Visit = Callable[[User], Client]
Made = tuple[Session, str]
SESSION_COOKIE = "gateway_session"


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


def test_the_offer_says_to_its_holder_what_they_may_alone(made: Made, bob: User, visit: Visit) -> None:
    browser, (_session, secret) = visit(bob), made
    browser.post("/share/accept", {"secret": secret})
    held, by = ShareHolder.objects.get(), Actor("alice", "", "web")
    for control, sentence in ((False, "You may look at it;"), (True, "You may look, type and click in it.")):
        holders.hand_over(held, control, by)
        assert sentence in browser.post("/share/ask", {"secret": secret}).content.decode()


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


# ---- guests -------------------------------------------------------------------------------------------------


@pytest.fixture
def for_guests(
    alice: User, make_session: Callable[..., Session], make_type: Callable[..., Any], with_guests: Any
) -> Iterator[Made]:
    """A session, and the secret of a link that one guest may accept."""
    links._limits.clear()
    make_type("Open")
    session = make_session(alice, type_name="Open", title="Blade <3>")
    offer = Offer(most_uses=1, guests=True)
    _, secret = sharing.make_share(session, offer, alice, Actor("alice", "", "web"))
    yield session, secret
    links._limits.clear()


def test_a_guest_is_offered_what_the_link_leads_to_and_uses_nothing_up(for_guests: Made) -> None:
    _session, secret = for_guests
    browser = Client()
    page = browser.get("/share/").content.decode()
    assert 'data-may-ask="true"' in page
    assert 'id="guest-name"' in page
    for _ in range(3):
        shown = browser.post("/share/ask", {"secret": secret})
        assert shown.status_code == 200
    assert "alice lets you in to the session “Blade &lt;3&gt;”." in shown.content.decode()
    assert "You come as a guest, with this browser, until you close it." in shown.content.decode()
    assert Share.objects.get().uses == 0
    assert not Guest.objects.exists()
    assert SESSION_COOKIE not in browser.cookies


def test_a_guest_who_accepts_gets_a_right_of_this_browser_until_it_is_closed(for_guests: Made) -> None:
    session, secret = for_guests
    browser = Client()
    answer = browser.post("/share/accept", {"secret": secret, "name": " Maria\tCurie "})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/sessions/{session.pk}/")
    cookie = browser.cookies[SESSION_COOKIE]
    assert (cookie["max-age"], cookie["expires"], cookie["httponly"]) == ("", "", True)
    guest = Guest.objects.get()
    assert (guest.name, guest.session) == ("Maria Curie", session)
    assert guests.guest_at(cookie.value, session.pk) == guest
    assert access.may_watch(guest, session)
    assert Share.objects.get().uses == 1
    assert session.events.get(what="share accepted").who == "guest “Maria Curie”"
    assert browser.post("/share/accept", {"secret": secret}).status_code == 303, "again, with the same browser"
    assert Share.objects.get().uses == 1
    assert browser.get(f"/sessions/{session.pk}/").status_code == 200
    assert Client().post("/share/accept", {"secret": secret}).status_code == 404, "it was used up"


def test_a_key_that_somebody_else_may_know_opens_nothing(for_guests: Made, browse: Callable[..., str]) -> None:
    session, secret = for_guests
    browser, planted = Client(), browse()
    browser.cookies[SESSION_COOKIE] = planted
    browser.post("/share/accept", {"secret": secret})
    assert browser.cookies[SESSION_COOKIE].value != planted
    assert guests.guest_at(planted, session.pk) is None
    assert guests.guests_by(browser.cookies[SESSION_COOKIE].value) != []


def test_a_browser_can_be_a_guest_of_two_sessions(
    for_guests: Made, alice: User, make_session: Callable[..., Session]
) -> None:
    first, secret = for_guests
    second = make_session(alice, type_name="Open")
    _, another = sharing.make_share(second, Offer(guests=True), alice, Actor("alice", "", "web"))
    browser = Client()
    for one in (secret, another):
        browser.post("/share/accept", {"secret": one})
    assert [browser.get(f"/sessions/{one.pk}/").status_code for one in (first, second)] == [200, 200]
    assert f'href="/sessions/{second.pk}/"' in browser.get("/share/").content.decode()


@pytest.mark.parametrize("secret", ["", "nobody-has-this", "\0", "for users", "revoked"])
def test_without_a_login_it_is_not_told_what_kind_of_link_it_is(for_guests: Made, alice: User, secret: str) -> None:
    session, _ = for_guests
    if secret == "for users":
        _, secret = sharing.make_share(session, Offer(), alice, Actor("alice", "", "web"))
    if secret == "revoked":
        sharing.revoke(Share.objects.get(), Actor("alice", "", "web"))
        secret = for_guests[1]
    asked = Client().post("/share/ask", {"secret": secret})
    assert asked.status_code == 404
    assert asked.content.decode() == Client().post("/share/ask", {"secret": "another"}).content.decode()
    assert "Without an account this link does not let you in, or not any more." in asked.content.decode()
    accepted = Client().post("/share/accept", {"secret": secret})
    assert accepted.status_code == 404
    assert LEADS_NOWHERE in accepted.content.decode()
    assert not Guest.objects.exists()


@pytest.mark.parametrize("step", ["ask", "accept"])
def test_where_the_site_lets_no_guests_in_they_are_led_to_the_login(
    for_guests: Made, settings: Any, with_guests: Any, step: str, charlie: User, visit: Visit
) -> None:
    _session, secret = for_guests
    settings.REMOTE_SERVICE = replace(with_guests, guests=False)
    answer = Client().post(f"/share/{step}", {"secret": secret})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/login/?next=/share/{step}")
    assert visit(charlie).post(f"/share/{step}", {"secret": secret}).status_code == 404
    assert 'id="guest-name"' not in Client().get("/share/").content.decode()


@pytest.mark.parametrize("step", ["ask", "accept"])
def test_links_that_lead_nowhere_are_bounded(for_guests: Made, settings: Any, with_guests: Any, step: str) -> None:
    settings.REMOTE_SERVICE = replace(with_guests, log_ins_per_minute=2)
    statuses = [Client().post(f"/share/{step}", {"secret": "wrong"}).status_code for _ in range(3)]
    assert statuses == [404, 404, 429]
    refused = Client().post(f"/share/{step}", {"secret": for_guests[1]})
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "30")
    assert "Too many links from your address led nowhere. Try again in 30 seconds." in refused.content.decode()
    assert Client(REMOTE_ADDR="192.0.2.99").post(f"/share/{step}", {"secret": for_guests[1]}).status_code < 400


def test_who_is_logged_in_is_not_bounded_so(
    for_guests: Made, settings: Any, with_guests: Any, charlie: User, visit: Visit
) -> None:
    settings.REMOTE_SERVICE = replace(with_guests, log_ins_per_minute=1)
    browser = visit(charlie)
    assert {browser.post("/share/ask", {"secret": "wrong"}).status_code for _ in range(3)} == {404}
