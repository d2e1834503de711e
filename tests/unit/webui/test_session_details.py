"""Tests of what a session's page knows beside its screen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from remote_service import lifecycle
from remote_service.actors import Actor
from remote_service.models import Session, Viewer
from remote_service.relay.traffic import Traffic
from remote_service.states import State
from webui import session_details
from webui.session_details import UsedOption, details

MakeSession = Callable[..., Session]
NOW = timezone.now()


def test_the_options_stand_there_by_the_labels_and_in_the_order_of_the_form(
    alice: User, make_session: MakeSession, make_type: Callable[..., Any]
) -> None:
    make_type(
        form=[
            {"name": "memory", "type": "number", "label": "Memory", "unit": "GB"},
            {"name": "mail", "type": "checkbox", "label": "Tell me by mail"},
            {"name": "unused", "type": "text"},
        ]
    )
    options = {"gone": "old", "mail": "true", "memory": "4", "size": "1x1", "username": "alice"}
    assert details(make_session(alice, options=options), alice, NOW).options == (
        UsedOption("Memory", "4 GB"),
        UsedOption("Tell me by mail", "yes"),
        UsedOption("gone", "old"),
    )


def test_the_options_of_a_type_that_is_gone_stand_there_by_their_names(alice: User, make_session: MakeSession) -> None:
    found = details(make_session(alice, options={"cores": "4", "size": "1x1"}), alice, NOW)
    assert found.options == (UsedOption("cores", "4"),)


def test_who_looks_comes_before_who_looked(alice: User, bob: User, make_session: MakeSession) -> None:
    session = make_session(alice)
    for user, minutes, ending in ((alice, 30, "clean"), (bob, 20, "cut"), (alice, 10, ""), (None, 5, "")):
        opened = NOW - timedelta(minutes=minutes)
        closed = opened + timedelta(minutes=1) if ending else None
        Viewer.objects.create(
            session=session, user=user, address="192.0.2.7", opened_at=opened, closed_at=closed, ending=ending
        )
    shown = details(session, alice, NOW).viewers
    assert [(viewer.who, viewer.status) for viewer in shown] == [
        ("a REST client", "is looking"), ("alice", "is looking"), ("bob", "line cut"), ("alice", "left"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ending", "code", "status"),
    [
        ("clean", 1000, "the session ended"),
        ("cut", 1012, "the server stopped"),
        ("clean", 4001, "logged out, or not allowed any more"),
        ("cut", 4001, "logged out, or not allowed any more"),
        ("clean", 4008, "the session was not used for too long"),
        ("clean", 4013, "staff stopped the session"),
        ("cut", 4002, "what they may do has changed"),
        ("cut", 4321, "line cut"),
    ],
)
def test_whom_the_gateway_sent_away_did_not_lose_its_line(
    alice: User, make_session: MakeSession, ending: str, code: int, status: str
) -> None:
    session = make_session(alice)
    Viewer.objects.create(session=session, user=alice, closed_at=NOW, ending=ending, close_code=code)
    assert [viewer.status for viewer in details(session, alice, NOW).viewers] == [status]


def test_addresses_are_for_staff_alone(alice: User, manager: User, staff: User, make_session: MakeSession) -> None:
    session = make_session(alice)
    Viewer.objects.create(session=session, user=alice, address="192.0.2.7")
    lifecycle.note(session.pk, "viewer opened", by=Actor("alice", "192.0.2.7", "websocket"))

    def addresses(user: User) -> set[str]:
        found = details(session, user, NOW)
        return {one.address for one in (*found.viewers, *found.timeline.happenings)}

    assert addresses(alice) == {""}
    assert addresses(manager) == addresses(staff) == {"192.0.2.7"}


def test_of_very_many_viewers_the_newest_are_listed(alice: User, make_session: MakeSession, monkeypatch: Any) -> None:
    monkeypatch.setattr(session_details, "MOST_VIEWERS", 2)
    session = make_session(alice)
    for _ in range(5):
        Viewer.objects.create(session=session, user=alice)
    found = details(session, alice, NOW)
    assert (len(found.viewers), found.viewers_left_out) == (2, 3)


def test_it_can_be_stopped_by_who_may_while_it_lives(alice: User, watcher: User, make_session: MakeSession) -> None:
    assert details(make_session(alice), alice, NOW).may_stop
    assert not details(make_session(alice), watcher, NOW).may_stop
    for state in (State.STOPPING, State.ENDED, State.FAILED):
        found = details(make_session(alice, state), alice, NOW)
        assert (found.may_stop, found.leaving, found.limits) == (False, "", ())


def test_it_says_whose_it_is_and_where_it_was_asked_for(alice: User, make_session: MakeSession) -> None:
    hers, nobodys = details(make_session(alice), alice, NOW), details(make_session(None), alice, NOW)
    assert (hers.owner, hers.door) == ("alice", "these pages")
    assert (nobodys.owner, nobodys.door) == ("a REST client", "the REST interface")
    assert details(make_session(alice, door="command"), alice, NOW).door == "the command line"


def test_long_histories_cost_no_more_queries(
    alice: User, make_session: MakeSession, django_assert_max_num_queries: Any
) -> None:
    session = make_session(alice)
    for _ in range(70):
        Viewer.objects.create(session=session, user=alice)
        lifecycle.note(session.pk, "viewer opened", by=Actor())
    with django_assert_max_num_queries(10):
        details(session, User.objects.get(pk=alice.pk), NOW)


def test_what_was_sent_and_received_is_that_of_all_its_viewers(
    alice: User, bob: User, make_session: MakeSession
) -> None:
    session, other = make_session(alice), make_session(alice)
    for user, of, sent in ((alice, session, 1000), (bob, session, 2000), (alice, other, 4000)):
        Viewer.objects.create(session=of, user=user, bytes_down=sent, bytes_up=10, messages_down=3, messages_up=2)
    assert details(session, alice, NOW).traffic == Traffic(3000, 20, 6, 4)


def test_a_session_that_nobody_has_looked_at_has_carried_nothing(alice: User, make_session: MakeSession) -> None:
    assert details(make_session(alice), alice, NOW).traffic == Traffic()


def test_a_guest_who_looked_is_called_one(
    alice: User, make_session: MakeSession, make_type: Any, with_guests: Any, come_as_guest: Any
) -> None:
    make_type("Pattern")
    session = make_session(alice)
    session.viewers.create(guest=come_as_guest(session, "Maria"))
    session.viewers.create()
    assert {viewer.who for viewer in details(session, alice, NOW).viewers} == {"guest “Maria”", "a REST client"}
