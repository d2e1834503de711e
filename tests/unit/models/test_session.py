"""Sessions as rows: what the database itself holds up, and how they speak of themselves."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from remote_service.config.schema import Limits
from remote_service.endpoints import Endpoint
from remote_service.models import (
    Session,
    SessionEvent,
    event_fields,
    live_states,
)
from remote_service.rfb.policy import Policy
from remote_service.states import FINAL, LIVE, EndReason, State

pytestmark = pytest.mark.django_db
ID = uuid.UUID("6f9619ff-8b86-4d01-b42d-00cf4fc964ff")


def make_session(**fields: Any) -> Session:
    defaults = {"type_name": "Desktop", "index": 0, "door": "web", "token_hash": uuid.uuid4().hex}
    return Session.objects.create(**{**defaults, **fields})


@pytest.mark.parametrize("state", sorted(LIVE))
def test_the_database_refuses_two_live_sessions_on_a_slot(state: State) -> None:
    make_session(state=state)
    for other in LIVE:
        with pytest.raises(IntegrityError), transaction.atomic():
            make_session(state=other)
    assert Session.objects.count() == 1


def test_the_database_refuses_a_slot_in_quarantine() -> None:
    make_session(state=State.FAILED, quarantined=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_session()


def test_a_second_session_takes_the_slot_when_the_first_is_over() -> None:
    for state in FINAL:
        make_session(state=state)
    make_session()
    assert Session.objects.live().count() == 1


@pytest.mark.parametrize("other", [{"index": 1}, {"tile": 1}, {"type_name": "Terminal"}])
def test_another_slot_is_free(other: dict[str, Any]) -> None:
    make_session()
    make_session(**other)
    assert Session.objects.live().count() == 2


def test_a_token_names_one_session_only() -> None:
    make_session(token_hash="same")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_session(index=1, token_hash="same")


def test_live_sessions_are_those_that_are_not_over() -> None:
    for index, state in enumerate(State):
        make_session(index=index, state=state)
    assert {session.state for session in Session.objects.live()} == LIVE
    assert live_states() == sorted(LIVE)


def test_slots_are_held_by_live_sessions_and_by_those_in_quarantine() -> None:
    live, ended = make_session(), make_session(index=1, state=State.ENDED)
    kept = make_session(index=2, state=State.ENDED, quarantined=True)
    assert set(Session.objects.holding_slots()) == {live, kept}
    assert ended not in Session.objects.holding_slots()


@pytest.mark.parametrize("state", list(State))
def test_a_session_is_over_in_its_final_states(state: State) -> None:
    assert make_session(state=state).over is (state in FINAL)


def test_a_session_speaks_of_itself() -> None:
    session = make_session(
        id=ID,
        options={"size": "1600x1200"},
        stored_limits=Limits(linger=0).model_dump(mode="json"),
        stored_endpoint=Endpoint.tcp("localhost", 5901).as_dict(),
    )
    assert str(session) == f"Desktop [0] {ID}"
    assert session.reference == "6f9619ff"
    assert session.size == "1600x1200"
    assert session.limits == Limits(linger=0)
    assert session.endpoint == Endpoint.tcp("localhost", 5901)
    assert session.ending == ""


def test_a_session_without_size_limits_and_endpoint_has_the_defaults() -> None:
    session = make_session()
    assert (session.size, session.limits, session.endpoint) == ("", Limits(), None)


def test_it_is_called_by_its_title_or_else_by_its_type() -> None:
    assert make_session().name == "Desktop"
    assert make_session(index=1, title="Wing, fine mesh").name == "Wing, fine mesh"


def test_why_it_ended_is_a_sentence_and_what_is_known_beyond() -> None:
    assert make_session(end_reason=EndReason.IDLE).ending == "Nobody used keyboard or pointer for too long."
    failed = make_session(index=1, end_reason=EndReason.START_FAILED, end_detail="start() raised OSError.")
    assert failed.ending == "It could not be started. start() raised OSError."


def test_a_session_outlives_its_owner(alice: Any) -> None:
    session = make_session(owner=alice, username="alice")
    alice.delete()
    session.refresh_from_db()
    assert (session.owner, session.username) == (None, "alice")


def test_the_newest_session_comes_first_and_the_oldest_event() -> None:
    sessions = [make_session(index=index) for index in range(3)]
    assert list(Session.objects.all()) == sessions[::-1]
    events = [SessionEvent.objects.create(session=sessions[0], what=what) for what in ("reserved", "launch")]
    assert list(sessions[0].events.all()) == events


def test_an_event_speaks_of_itself() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert str(SessionEvent(at=at, what="refused", why="no_free_slot")) == "2026-01-02 03:04:05 refused no_free_slot"


def test_what_an_event_says_is_cut_to_its_columns() -> None:
    fields = event_fields(who="w" * 200, address="a" * 100, type_name="t" * 300, why="y" * 5000, door="rest")
    assert {key: len(value) for key, value in fields.items()} == {
        "who": 150,
        "address": 64,
        "type_name": 200,
        "why": 5000,
        "door": 4,
    }


def test_what_an_event_says_has_no_character_that_a_database_refuses() -> None:
    assert event_fields(why="a\0b") == {"why": "a\N{REPLACEMENT CHARACTER}b"}


def test_the_rights_of_staff_exist(make_user: Callable[..., Any]) -> None:
    manager = make_user("manager", permissions=("view_any_session", "manage_any_session"))
    assert manager.has_perms(("remote_service.view_any_session", "remote_service.manage_any_session"))


def test_what_viewers_may_do_is_everything_unless_its_type_says_otherwise() -> None:
    assert make_session().viewer_policy == Policy()
    assert make_session(index=1, stored_viewer_policy={"no_resize": True}).viewer_policy == Policy(no_resize=True)
