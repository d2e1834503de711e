"""Tests of who makes a request, and which session it may be about."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.db import SessionStore
from django.http import Http404, HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from remote_service.actors import Actor
from remote_service.models import Guest, Session, Share
from webui.visitors import Looker, actor, guests_too, is_staff, looker, visible_session, visitor, watched_session


def request_of(user: User | AnonymousUser, address: str = "192.0.2.7") -> HttpRequest:
    request = RequestFactory().get("/", REMOTE_ADDR=address)
    request.user = user
    return request


def test_the_actor_is_the_user_at_the_address_by_the_web(alice: User) -> None:
    assert actor(request_of(alice)) == Actor("alice", "192.0.2.7", "web")


def test_a_local_socket_has_no_address(alice: User) -> None:
    assert actor(request_of(alice, address="")) == Actor("alice", "", "web")


def test_a_view_without_a_guard_is_a_mistake_of_ours() -> None:
    with pytest.raises(AssertionError):
        visitor(request_of(AnonymousUser()))


def test_staff_are_those_of_the_administration_and_those_who_manage_sessions(
    alice: User, staff: User, manager: User, make_user: Callable[..., User]
) -> None:
    assert is_staff(staff)
    assert is_staff(manager)
    assert is_staff(make_user("max", permissions=("manage_any_session",)))
    assert not is_staff(alice)


def test_one_finds_ones_own_session_and_staff_find_it(
    alice: User, watcher: User, manager: User, make_session: Callable[..., Session]
) -> None:
    session = make_session(alice)
    for user in (alice, watcher, manager):
        assert visible_session(request_of(user), session.pk) == session


def test_another_users_session_is_not_there(
    alice: User, bob: User, staff: User, make_session: Callable[..., Session]
) -> None:
    session = make_session(alice)
    for user in (bob, staff):
        with pytest.raises(Http404):
            visible_session(request_of(user), session.pk)
    with pytest.raises(Http404):
        visible_session(request_of(alice), uuid.uuid4())


# ---- guests -------------------------------------------------------------------------------------------------


def anonymous(browser: str | None) -> HttpRequest:
    request = request_of(AnonymousUser())
    request.session = SessionStore(browser)
    return request


@pytest.fixture
def visited(
    alice: User,
    make_session: Callable[..., Session],
    make_type: Callable[..., Any],
    with_guests: Any,
    browse: Callable[..., str],
    come_as_guest: Callable[..., Guest],
) -> tuple[Session, Guest, str]:
    """A session, its guest, and the guest's browser."""
    make_type("Pattern")
    session, browser = make_session(alice), browse()
    return session, come_as_guest(session, browser=browser), browser


def test_who_looks_is_the_user_or_the_sessions_guest(
    visited: tuple[Session, Guest, str], alice: User, make_session: Callable[..., Session], browse: Callable[..., str]
) -> None:
    session, guest, browser = visited
    assert looker(anonymous(browser), session.pk) == guest
    assert looker(anonymous(browser), make_session(alice).pk) is None
    assert looker(anonymous(browse()), session.pk) is None
    assert looker(anonymous(None), session.pk) is None
    as_user = anonymous(browser)
    as_user.user = alice
    assert looker(as_user, session.pk) == alice


def test_a_guarded_view_is_told_who_asks_and_strangers_are_led_to_the_login(
    visited: tuple[Session, Guest, str],
) -> None:
    session, guest, browser = visited
    told: list[object] = []

    def view(_request: HttpRequest, who: Looker, session_id: uuid.UUID) -> HttpResponse:
        told.append((who, session_id))
        return HttpResponse()

    assert guests_too(view)(anonymous(browser), session_id=session.pk).status_code == 200
    assert guests_too(view)(anonymous(None), session_id=session.pk).headers["Location"] == "/login/?next=/"
    assert told == [(guest, session.pk)]


def test_a_guest_finds_the_session_while_the_share_counts(visited: tuple[Session, Guest, str]) -> None:
    session, guest, _browser = visited
    assert watched_session(guest, session.pk) == session
    Share.objects.all().update(revoked_at=timezone.now())
    with pytest.raises(Http404):
        watched_session(guest, session.pk)
