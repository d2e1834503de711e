"""Which sessions a filter finds, in which order, and how a row says it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from remote_service.models import Session, Viewer
from remote_service.states import State
from webui.session_search import find_sessions, list_found

MakeSession = Callable[..., Session]

NOTHING = {"state": "any", "type": "", "owner": "", "host": "", "text": ""}


def found(**wanted: str) -> set[str]:
    """The titles of what is found."""
    return {session.title for session in find_sessions({**NOTHING, **wanted})}


@pytest.fixture
def five(alice: User, bob: User, make_session: MakeSession) -> dict[str, Session]:
    """Sessions that differ in what can be asked for."""
    return {
        "running": make_session(alice, title="running", host="n8.example.org", unprotected=True),
        "starting": make_session(bob, State.STARTING, title="starting", type_name="Desktop"),
        "unknown": make_session(bob, title="unknown", unknown_since=timezone.now(), host="n9.example.org"),
        "quarantined": make_session(alice, State.FAILED, title="quarantined", quarantined=True),
        "ended": make_session(alice, State.ENDED, title="ended", end_detail="The node was rebooted.", unprotected=True),
    }


@pytest.mark.parametrize(
    ("state", "titles"),
    [
        ("live", {"running", "starting", "unknown"}),
        ("any", {"running", "starting", "unknown", "quarantined", "ended"}),
        ("unknown", {"unknown"}),
        ("quarantined", {"quarantined"}),
        ("unprotected", {"running"}),
        ("running", {"running", "unknown"}),
        ("failed", {"quarantined"}),
        ("queued", set()),
    ],
)
def test_by_state(five: dict[str, Session], state: str, titles: set[str]) -> None:
    assert found(state=state) == titles


@pytest.mark.parametrize(
    ("wanted", "titles"),
    [
        ({"type": "Desktop"}, {"starting"}),
        ({"type": "Desk"}, set()),
        ({"owner": "BO"}, {"starting", "unknown"}),
        ({"host": "n8"}, {"running"}),
        ({"host": "example", "owner": "bob"}, {"unknown"}),
        ({"text": "rebooted"}, {"ended"}),
        ({"text": " quarant "}, {"quarantined"}),
        ({"text": "nobody calls it that"}, set()),
    ],
)
def test_by_type_owner_host_and_text_all_of_which_must_fit(
    five: dict[str, Session], wanted: dict[str, str], titles: set[str]
) -> None:
    assert found(**wanted) == titles


def test_by_the_reference_that_a_user_quotes(five: dict[str, Session]) -> None:
    assert found(text=five["ended"].reference) == {"ended"}
    assert found(text=str(five["running"].pk)) == {"running"}


def test_the_newest_is_first(alice: User, make_session: MakeSession) -> None:
    now = timezone.now()
    for title, minutes in (("older", 2), ("newest", 0), ("middle", 1)):
        make_session(alice, title=title, created_at=now - timedelta(minutes=minutes))
    assert [session.title for session in find_sessions(NOTHING)] == ["newest", "middle", "older"]


def test_a_row_says_who_looks_and_what_is_asked_for(
    alice: User, make_session: MakeSession, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    made = make_session(alice, wanted="stop", created_at=timezone.now() - timedelta(minutes=5))
    make_session(None, State.ENDED, wanted="stop", created_at=timezone.now() - timedelta(minutes=9))
    Viewer.objects.create(session=made)
    Viewer.objects.create(session=made, closed_at=timezone.now())
    sessions = list(find_sessions(NOTHING))
    with django_assert_num_queries(1):
        first, second = list_found(sessions, timezone.now())
    assert (first.state, first.owner, first.age, first.viewers, first.ending) == (
        "Running",
        "alice",
        "5\xa0minutes ago",
        "1 viewer",
        True,
    )
    assert (second.owner, second.viewers, second.ending) == ("a REST client", "nobody", False)
