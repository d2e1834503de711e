"""Tests of who makes a request, and which session it may be about."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import Http404, HttpRequest
from django.test import RequestFactory

from remote_service.actors import Actor
from remote_service.models import Session
from webui.visitors import actor, is_staff, visible_session, visitor


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
