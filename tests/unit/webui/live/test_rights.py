"""Tests of who may be told what changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session as LoginSession
from django.utils import timezone

from remote_service.models import Guest, Session
from tests.unit.relay.scopes import ORIGIN, scope
from webui.live.pages import Address
from webui.live.rights import Right, good, judge, question, standings

PICKER = "page=picker&seen=abc"


@pytest.fixture
def login(db: None) -> str:
    """The key of a login session."""
    store = SessionStore()
    store.create()
    assert store.session_key
    return store.session_key


def right(user: User, login: str) -> Right:
    return Right(user.pk, login, user.get_session_auth_hash(), standings([user])[user.pk])


def test_a_question_names_a_page_its_parameters_and_what_is_seen() -> None:
    assert question("page=launch&type=My+type&seen=ab&empty=") == (
        Address("launch", (("empty", ""), ("type", "My type"))),
        "ab",
    )
    assert question("") == (Address(""), "")


def test_the_sites_own_page_of_somebody_who_is_logged_in_is_told(alice: User, login: str) -> None:
    asked = judge(scope("/live/", PICKER, user=alice, origin=ORIGIN, login=login))
    assert asked is not None
    assert (asked.right, asked.address, asked.seen) == (right(alice, login), Address("picker"), "abc")


@pytest.mark.parametrize(
    ("accepted", "cookies", "language"),
    [
        ([], {}, "en"),
        ([b"de-AT,de;q=0.9,en;q=0.5"], {}, "de"),
        ([b"fr,en;q=0.5"], {}, "en"),
        ([b"en"], {"django_language": "de"}, "de"),
    ],
)
def test_it_is_told_in_the_language_that_the_page_is_in(
    accepted: list[bytes], cookies: dict[str, str], language: str, alice: User, login: str, settings: Any
) -> None:
    settings.LANGUAGES = [("en", "English"), ("de", "German")]
    opened = scope("/live/", PICKER, user=alice, origin=ORIGIN, login=login) | {"cookies": cookies}
    opened["headers"] = [*opened["headers"], *((b"accept-language", value) for value in accepted)]
    asked = judge(opened)
    assert asked is not None
    assert asked.language == language


@pytest.mark.parametrize("origin", [None, "null", "https://desk.example.org", "http://elsewhere.example"])
def test_another_sites_page_is_refused(alice: User, origin: str | None) -> None:
    assert judge(scope("/live/", PICKER, user=alice, origin=origin)) is None


def test_who_is_not_logged_in_or_blocked_is_refused(alice: User) -> None:
    assert judge(scope("/live/", PICKER, user=AnonymousUser(), origin=ORIGIN)) is None
    alice.is_active = False
    assert judge(scope("/live/", PICKER, user=alice, origin=ORIGIN)) is None


def test_a_page_that_there_is_not_is_refused(alice: User) -> None:
    assert judge(scope("/live/", "page=nothing", user=alice, origin=ORIGIN)) is None
    assert judge(scope("/live/", "", user=alice, origin=ORIGIN)) is None


def test_a_right_stands_while_the_login_does(alice: User, bob: User, login: str) -> None:
    hers, without = right(alice, login), right(bob, "no such login")
    assert good({hers, without}) == {hers}
    LoginSession.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert good({hers}) == set()


def test_a_right_ends_when_its_user_is_blocked_or_gets_another_password(alice: User, login: str) -> None:
    hers = right(alice, login)
    User.objects.update(is_active=False)
    assert good({hers}) == set()
    User.objects.update(is_active=True)
    assert good({hers}) == {hers}
    alice.set_password("another one")
    alice.save()
    assert good({hers}) == set()


def test_the_password_stamp_is_not_shown() -> None:
    assert "stamp" not in repr(Right(1, "key", "stamp"))


def test_a_right_ends_when_its_users_groups_or_permissions_change(
    alice: User, group: Group, manager: User, login: str
) -> None:
    """The page is then made anew, or is not there any more."""
    hers, managers = right(alice, login), right(manager, login)
    alice.groups.remove(group)
    assert good({hers, managers}) == {managers}
    manager.user_permissions.clear()
    assert good({managers}) == set()
    assert good({right(alice, login), right(manager, login)}) == {right(alice, login), right(manager, login)}
    User.objects.update(is_staff=False)
    assert good({right(alice, login)}) == {right(alice, login)}


# ---- guests -------------------------------------------------------------------------------------------------


@pytest.fixture
def visited(
    alice: User,
    make_session: Callable[..., Session],
    make_type: Callable[..., Any],
    with_guests: Any,
    come_as_guest: Callable[..., Guest],
    login: str,
) -> tuple[Guest, str]:
    """A guest by the browser's session `login`, and the query of the page of the session."""
    make_type("Pattern")
    session = make_session(alice)
    return come_as_guest(session, browser=login), f"page=viewer&session={session.pk}"


def test_a_guest_is_told_of_the_sessions_screen(visited: tuple[Guest, str], login: str) -> None:
    guest, query = visited
    asked = judge(scope("/live/", query, origin=ORIGIN, browser=login))
    assert asked is not None
    assert (asked.right, asked.address.page) == (Right(guest.pk, login), "viewer")


@pytest.mark.parametrize("page", ["picker", "details", "launch", "dashboard", "dashboard-sessions"])
def test_a_guest_is_told_of_nothing_else(visited: tuple[Guest, str], login: str, page: str) -> None:
    query = visited[1].replace("viewer", page)
    assert judge(scope("/live/", query, origin=ORIGIN, browser=login)) is None


def test_others_are_told_nothing_by_it(
    visited: tuple[Guest, str],
    login: str,
    alice: User,
    make_session: Callable[..., Session],
    browse: Callable[..., str],
) -> None:
    _guest, query = visited
    other = f"page=viewer&session={make_session(alice).pk}"
    assert judge(scope("/live/", query, origin=ORIGIN, browser=browse())) is None
    assert judge(scope("/live/", query, origin="http://elsewhere.example", browser=login)) is None
    assert judge(scope("/live/", other, origin=ORIGIN, browser=login)) is None
    assert judge(scope("/live/", "page=viewer&session=nonsense", origin=ORIGIN, browser=login)) is None


def test_a_guests_right_stands_while_the_browsers_session_does(
    visited: tuple[Guest, str], login: str, browse: Callable[..., str], alice: User
) -> None:
    his, hers = Right(visited[0].pk, login), right(alice, login)
    others = Right(visited[0].pk, browse())
    assert good({his, others, hers}) == {his, hers}
    LoginSession.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert good({his}) == set()
