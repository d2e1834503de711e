"""Who gets which session by a websocket; every refusal leaves an event row."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from remote_service import sharing
from remote_service.actors import Actor
from remote_service.errors import NotAllowedError, RefusedError, UnknownTokenError
from remote_service.guests import A_WHILE, MOST_VIEWERS
from remote_service.models import Session, SessionEvent
from remote_service.relay.grants import find_grant
from remote_service.reservations import Reservation
from remote_service.sharing import Offer
from remote_service.states import State
from tests.unit.relay.scopes import ORIGIN, log_in
from tests.unit.relay.scopes import scope as plain_scope

Reserve = Callable[..., Reservation]

NO_TOKEN = "A websocket came without a token; expected ?token=… or /sessions/{id}/websockify."
UNKNOWN = "A websocket asked for a session that does not exist."
OVER = "A websocket asked for a session that is over."
FOREIGN_ORIGIN = "The websocket's Origin is another site, so its cookie does not count."
NO_REASON = "Who opened the websocket has not said why they look at somebody else's session."
FOREIGN = "Who opened the websocket may not see this session."


def scope(*address: str, user: Any = None, **more: Any) -> dict[str, Any]:
    """A scope with the cookie of a login."""
    return plain_scope(*address, cookie=log_in(user) if user is not None else "", **more)


def refused(asked: dict[str, Any], kind: type[RefusedError], sentence: str) -> SessionEvent:
    """Asserts the refusal and its event row, which it returns."""
    with pytest.raises(kind) as caught:
        find_grant(asked)
    assert str(caught.value) == sentence
    event = SessionEvent.objects.get(what="viewer refused")
    assert (event.why, event.door, event.address) == (sentence, "websocket", "192.0.2.7")
    return event


def by_id(session: Session) -> str:
    return f"/sessions/{session.pk}/websockify"


# ---- tokens of the stand-alone REST ----------------------------------------------------------------------


@pytest.mark.parametrize("origin", [None, "", "null", ORIGIN, "https://elsewhere.example"])
@pytest.mark.parametrize("path", ["/websockify", "/proxy/of/someone/websockify"])
def test_a_rest_token_opens_its_session_with_any_origin_or_none(
    reserve: Reserve, origin: str | None, path: str
) -> None:
    reservation = reserve()

    grant = find_grant(scope(path, f"token={reservation.token}", origin=origin))

    assert grant.session_id == reservation.session.pk
    assert (grant.user_id, grant.login) == (None, "")
    assert (grant.actor.name, grant.actor.address, grant.actor.door) == ("", "192.0.2.7", "websocket")


def test_a_client_on_a_unix_socket_has_no_address(reserve: Reserve) -> None:
    asked = scope(query=f"token={reserve().token}")
    asked["client"] = None

    assert find_grant(asked).actor.address == ""


def test_of_repeated_tokens_the_last_counts(reserve: Reserve) -> None:
    first, second = reserve(), reserve()

    grant = find_grant(scope(query=f"token={first.token}&x=1&token={second.token}"))

    assert grant.session_id == second.session.pk


def test_a_reserved_session_is_asked_to_start_once(reserve: Reserve) -> None:
    reservation = reserve()

    find_grant(scope(query=f"token={reservation.token}"))
    find_grant(scope(query=f"token={reservation.token}"))

    reservation.session.refresh_from_db()
    assert reservation.session.wanted == "start"
    assert reservation.session.events.filter(what="start asked", door="websocket").count() == 1


@pytest.mark.parametrize("state", [State.STARTING, State.QUEUED, State.RUNNING, State.STOPPING])
def test_a_session_that_is_under_way_is_not_asked_to_start(
    reserve: Reserve, put: Callable[..., Session], state: State
) -> None:
    reservation = reserve()
    put(reservation.session, state)

    assert find_grant(scope(query=f"token={reservation.token}")).session_id == reservation.session.pk

    reservation.session.refresh_from_db()
    assert reservation.session.wanted == ""


@pytest.mark.parametrize("state", [State.ENDED, State.FAILED])
def test_the_token_of_a_session_that_is_over_is_refused(
    reserve: Reserve, put: Callable[..., Session], state: State
) -> None:
    reservation = reserve()
    put(reservation.session, state)

    refused(scope(query=f"token={reservation.token}"), UnknownTokenError, OVER)


@pytest.mark.parametrize("query", ["", "token=", "tokens=x", "security_token=x"])
def test_a_websocket_without_a_token_is_refused(db: None, query: str) -> None:
    refused(scope(query=query), UnknownTokenError, NO_TOKEN)


@pytest.mark.parametrize("token", ["nobody-has-this", "%00", "%ff%fe", "%ED%A0%80", "a" * 5000])
def test_an_unknown_token_is_refused(db: None, token: str) -> None:
    refused(scope(query=f"token={token}"), UnknownTokenError, UNKNOWN)


def test_bytes_that_are_no_text_in_a_query_are_refused(db: None) -> None:
    asked = scope()
    asked["query_string"] = b"token=\xff\xfe"

    refused(asked, UnknownTokenError, UNKNOWN)


# ---- sessions of browser users ---------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["id", "token"])
def test_the_owner_gets_it_with_the_cookie_and_the_sites_own_origin(reserve: Reserve, alice: Any, how: str) -> None:
    reservation = reserve(alice)
    path, query = (by_id(reservation.session), "") if how == "id" else ("/websockify", f"token={reservation.token}")

    grant = find_grant(scope(path, query, user=alice, origin=ORIGIN))

    assert grant.session_id == reservation.session.pk
    assert (grant.user_id, grant.login) == (alice.pk, "login-key")
    assert grant.actor.name == "alice"
    assert grant.password_stamp == alice.get_session_auth_hash()
    assert grant.password_stamp not in repr(grant)


def test_the_path_may_be_below_a_prefix(reserve: Reserve, alice: Any) -> None:
    session = reserve(alice).session

    assert find_grant(scope("/desktops" + by_id(session), user=alice, origin=ORIGIN)).session_id == session.pk


def test_the_id_in_the_path_goes_before_a_token(reserve: Reserve, alice: Any) -> None:
    hers, rest = reserve(alice), reserve()

    event = refused(scope(by_id(hers.session), f"token={rest.token}"), NotAllowedError, FOREIGN_ORIGIN)

    assert event.session == hers.session


def test_a_browser_users_token_alone_opens_nothing(reserve: Reserve, alice: Any) -> None:
    reservation = reserve(alice)

    event = refused(scope(query=f"token={reservation.token}", origin=ORIGIN), NotAllowedError, FOREIGN)

    assert event.session == reservation.session
    assert (event.type_name, event.who) == ("Pattern", "")


@pytest.mark.parametrize("how", ["id", "token"])
def test_a_browser_users_session_needs_its_owners_cookie(reserve: Reserve, alice: Any, bob: Any, how: str) -> None:
    reservation = reserve(alice)
    path, query = (by_id(reservation.session), "") if how == "id" else ("/websockify", f"token={reservation.token}")

    event = refused(scope(path, query, user=bob, origin=ORIGIN), NotAllowedError, FOREIGN)

    assert event.who == "bob"


@pytest.mark.parametrize("origin", [None, "", "null", "https://desk.example.org", "http://elsewhere.example"])
@pytest.mark.parametrize("how", ["id", "token"])
def test_the_cookie_counts_only_with_the_sites_own_origin(
    reserve: Reserve, alice: Any, origin: str | None, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    reservation = reserve(alice)
    path, query = (by_id(reservation.session), "") if how == "id" else ("/websockify", f"token={reservation.token}")

    with caplog.at_level(logging.WARNING):
        refused(scope(path, query, user=alice, origin=origin), NotAllowedError, FOREIGN_ORIGIN)

    assert caplog.messages == [
        f"a websocket with the Origin {(origin or '')!r} reached ws://desk.example.org, so its cookie does not count; "
        "behind a TLS proxy set REMOTE_SERVICE_TRUSTED_PROXIES and have the proxy send X-Forwarded-Proto"
    ]


def test_the_cookie_does_not_count_without_a_host_header(reserve: Reserve, alice: Any) -> None:
    session = reserve(alice).session

    refused(scope(by_id(session), user=alice, origin=ORIGIN, host=None), NotAllowedError, FOREIGN_ORIGIN)


def test_over_tls_the_origin_is_https(reserve: Reserve, alice: Any) -> None:
    session = reserve(alice).session
    asked = scope(by_id(session), user=alice, origin="https://desk.example.org", scheme="wss")

    assert find_grant(asked).session_id == session.pk


def test_somebody_who_was_made_inactive_is_refused(reserve: Reserve, alice: Any) -> None:
    session = reserve(alice).session
    alice.is_active = False
    alice.save()

    refused(scope(by_id(session), user=alice, origin=ORIGIN), NotAllowedError, FOREIGN)


# ---- shares ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("control", [False, True])
def test_who_holds_a_share_gets_it_and_starts_it_only_with_control(
    reserve: Reserve, alice: Any, bob: Any, put: Callable[..., Session], control: bool
) -> None:
    session = put(reserve(alice).session, State.RESERVED, wanted="")
    _, secret = sharing.make_share(session, Offer(control=control), alice, Actor("alice", "", "web"))
    refused(scope(by_id(session), user=bob, origin=ORIGIN), NotAllowedError, FOREIGN)

    sharing.accept(secret, bob, Actor("bob", "", "web"))

    grant = find_grant(scope(by_id(session), user=bob, origin=ORIGIN))
    assert grant.user_id == bob.pk
    session.refresh_from_db()
    assert session.wanted == ("start" if control else "")


def test_a_shares_secret_is_no_token(reserve: Reserve, alice: Any, bob: Any) -> None:
    session = reserve(alice).session
    _, secret = sharing.make_share(session, Offer(), alice, Actor("alice", "", "web"))

    refused(scope(query=f"token={secret}", user=bob, origin=ORIGIN), UnknownTokenError, UNKNOWN)


# ---- guests ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("control", [False, True])
def test_a_guest_gets_it_by_their_browser_and_starts_nothing(
    reserve: Reserve,
    alice: Any,
    put: Callable[..., Session],
    with_guests: Any,
    browse: Callable[..., str],
    come_as_guest: Callable[..., Any],
    control: bool,
) -> None:
    session, browser = put(reserve(alice).session, State.RESERVED, wanted=""), browse()
    guest = come_as_guest(session, "Maria", browser=browser, control=control)

    grant = find_grant(scope(by_id(session), origin=ORIGIN, browser=browser))

    assert (grant.session_id, grant.user_id, grant.guest_id, grant.login) == (session.pk, None, guest.pk, browser)
    assert (grant.actor.name, grant.actor.address) == ("guest “Maria”", "192.0.2.7")
    session.refresh_from_db()
    assert session.wanted == ""


def test_a_guests_browser_opens_no_other_session_and_no_other_browser_opens_this_one(
    reserve: Reserve, alice: Any, with_guests: Any, browse: Callable[..., str], come_as_guest: Callable[..., Any]
) -> None:
    session, other, browser = reserve(alice).session, reserve(alice).session, browse()
    come_as_guest(session, browser=browser)

    for path, key in ((by_id(other), browser), (by_id(session), browse()), (by_id(session), None)):
        with pytest.raises(NotAllowedError) as caught:
            find_grant(scope(path, origin=ORIGIN, browser=key))
        assert str(caught.value) == FOREIGN


@pytest.mark.parametrize("origin", [None, "", "null", "https://desk.example.org", "http://elsewhere.example"])
def test_a_guests_cookie_counts_only_with_the_sites_own_origin(
    reserve: Reserve,
    alice: Any,
    with_guests: Any,
    browse: Callable[..., str],
    come_as_guest: Callable[..., Any],
    origin: str | None,
) -> None:
    session, browser = reserve(alice).session, browse()
    come_as_guest(session, browser=browser)

    refused(scope(by_id(session), origin=origin, browser=browser), NotAllowedError, FOREIGN_ORIGIN)


def test_a_guest_who_comes_without_end_is_refused_for_a_while(
    reserve: Reserve, alice: Any, with_guests: Any, browse: Callable[..., str], come_as_guest: Callable[..., Any]
) -> None:
    session, browser = reserve(alice).session, browse()
    guest = come_as_guest(session, browser=browser)
    asked = scope(by_id(session), origin=ORIGIN, browser=browser)
    for _ in range(MOST_VIEWERS):
        find_grant(asked)
        session.viewers.create(guest=guest)

    refused(asked, NotAllowedError, "The guest's viewer came too often within a minute.")

    guest.viewers.update(opened_at=timezone.now() - A_WHILE)
    assert find_grant(asked).guest_id == guest.pk


def test_who_is_logged_in_is_no_guest(
    reserve: Reserve,
    alice: Any,
    charlie: Any,
    with_guests: Any,
    browse: Callable[..., str],
    come_as_guest: Callable[..., Any],
) -> None:
    session, browser = reserve(alice).session, browse()
    come_as_guest(session, browser=browser)

    refused(scope(by_id(session), user=charlie, origin=ORIGIN, login=browser), NotAllowedError, FOREIGN)


def test_the_token_of_a_browser_users_session_needs_its_guests_browser_too(
    reserve: Reserve, alice: Any, with_guests: Any, browse: Callable[..., str], come_as_guest: Callable[..., Any]
) -> None:
    hers, browser = reserve(alice), browse()
    come_as_guest(hers.session, browser=browser)

    refused(scope(query=f"token={hers.token}", origin=ORIGIN, browser=browse()), NotAllowedError, FOREIGN)


# ---- staff -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("permission", ["view_any_session", "manage_any_session"])
def test_staff_with_a_permission_gets_it(
    reserve: Reserve, make_user: Callable[..., Any], say_why: Callable[..., None], alice: Any, permission: str
) -> None:
    staff = make_user("staff", is_staff=True, permissions=(permission,))
    session = reserve(alice).session
    event = refused(scope(by_id(session), user=staff, origin=ORIGIN), NotAllowedError, NO_REASON)
    assert event.who == "staff"

    say_why(staff, session)

    assert find_grant(scope(by_id(session), user=staff, origin=ORIGIN)).user_id == staff.pk


def test_staff_without_permissions_is_refused(reserve: Reserve, make_user: Callable[..., Any], alice: Any) -> None:
    session = reserve(alice).session
    staff = make_user("staff", is_staff=True)

    refused(scope(by_id(session), user=staff, origin=ORIGIN), NotAllowedError, FOREIGN)


@pytest.mark.parametrize(("permission", "wanted"), [("view_any_session", ""), ("manage_any_session", "start")])
def test_who_may_only_look_starts_nothing(
    reserve: Reserve, make_user: Callable[..., Any], say_why: Callable[..., None], permission: str, wanted: str
) -> None:
    staff = make_user("staff", is_staff=True, permissions=(permission,))
    session = reserve().session
    say_why(staff, session)

    find_grant(scope(by_id(session), user=staff, origin=ORIGIN))

    session.refresh_from_db()
    assert session.wanted == wanted


def test_a_rest_session_by_its_id_is_for_staff_only(reserve: Reserve, alice: Any) -> None:
    session = reserve().session

    refused(scope(by_id(session), user=alice, origin=ORIGIN), NotAllowedError, FOREIGN)


# ---- ids -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/sessions/00000000-0000-0000-0000-000000000000/websockify",
        "/sessions/------------------------------------/websockify",
        "/sessions/0123456789abcdef0123456789abcdef0123/websockify",
    ],
)
def test_an_id_that_is_nobodys_is_refused(alice: Any, path: str) -> None:
    refused(scope(path, user=alice, origin=ORIGIN), UnknownTokenError, UNKNOWN)


@pytest.mark.parametrize(
    "path", ["/sessions/12/websockify", "/mysessions/{id}/websockify", "/sessions/{id}/x/websockify"]
)
def test_a_path_that_names_no_session_needs_a_token(reserve: Reserve, alice: Any, path: str) -> None:
    session = reserve(alice).session

    refused(scope(path.format(id=session.pk), user=alice, origin=ORIGIN), UnknownTokenError, NO_TOKEN)
