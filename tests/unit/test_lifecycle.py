"""The one writer of the state: a move is won once, stands in one event, and secrets do not outlive a session."""

from __future__ import annotations

import logging
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError

from remote_service import lifecycle
from remote_service.actors import Actor
from remote_service.hosting.whereabouts import Whereabouts
from remote_service.lifecycle import (
    ask_to_start,
    ask_to_stop,
    give_back,
    note,
    note_refusal,
    quarantine,
    release_quarantine,
    transition,
)
from remote_service.models import MOST_REASON, Session, SessionEvent
from remote_service.states import ENDINGS, FINAL, LIVE, TRANSITIONS, EndReason, Event, IllegalTransitionError, State

pytestmark = pytest.mark.django_db
STAFF = Actor("dora", "192.0.2.7", "admin")
SECRETS = ("sealed_token", "sealed_password", "sealed_script_state")


@pytest.fixture
def session() -> Session:
    return Session.objects.create(
        type_name="Desktop",
        index=0,
        door="web",
        token_hash="hash",
        sealed_token="a",
        sealed_password="b",
        sealed_script_state="c",
        wanted="stop",
    )


@pytest.fixture
def nudged(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Who was nudged: "supervisor", or the id of the session of which gateways heard."""
    heard: list[Any] = []
    monkeypatch.setattr(lifecycle, "nudge_supervisor", lambda: heard.append("supervisor"))
    monkeypatch.setattr(lifecycle, "nudge_gateways", heard.append)
    return heard


def put(session: Session, state: State) -> Session:
    """Puts the session into a state without history."""
    Session.objects.filter(pk=session.pk).update(state=state)
    session.refresh_from_db()
    return session


def events(session: Session) -> list[tuple[str, ...]]:
    columns = ("what", "from_state", "to_state", "why", "who", "address", "door", "type_name")
    return list(session.events.values_list(*columns))


LEGAL = [(state, event, after) for state, row in TRANSITIONS.items() for event, after in row.items()]
ILLEGAL = [(state, event) for state in State for event in Event if event not in TRANSITIONS[state]]


@pytest.mark.parametrize(("state", "event", "after"), LEGAL)
def test_a_move_of_the_table_is_written_with_one_event(
    session: Session, state: State, event: Event, after: State
) -> None:
    put(session, state)
    assert transition(session.pk, state, event, why="Because.", by=STAFF) is True
    session.refresh_from_db()
    assert session.state == after
    assert events(session) == [(event, state, after, "Because.", "dora", "192.0.2.7", "admin", "Desktop")]
    assert session.events.get().at == session.state_since


@pytest.mark.parametrize(("state", "event"), ILLEGAL)
def test_a_move_outside_the_table_raises_and_changes_nothing(session: Session, state: State, event: Event) -> None:
    before = Session.objects.filter(pk=put(session, state).pk).values().get()
    with pytest.raises(IllegalTransitionError) as caught:
        transition(session.pk, state, event, why="Because.", end_reason=EndReason.IDLE)
    allowed = ", ".join(sorted(TRANSITIONS[state])) or "nothing: the state is final"
    assert str(caught.value) == f"a session that is {state} cannot {event}; it can {allowed}"
    assert Session.objects.filter(pk=session.pk).values().get() == before
    assert events(session) == []


def test_of_two_that_saw_the_same_state_one_wins(session: Session) -> None:
    assert transition(session.pk, State.RESERVED, Event.LAUNCH, why="first") is True
    before = Session.objects.filter(pk=session.pk).values().get()
    assert transition(session.pk, State.RESERVED, Event.LAUNCH, why="second") is False
    assert transition(session.pk, State.RESERVED, Event.DROP, why="third", end_reason=EndReason.RELEASED) is False
    assert Session.objects.filter(pk=session.pk).values().get() == before
    assert [event[3] for event in events(session)] == ["first"]


def test_a_session_that_does_not_exist_is_not_moved() -> None:
    assert transition(uuid.uuid4(), State.RESERVED, Event.LAUNCH) is False
    assert not SessionEvent.objects.exists()


def test_without_the_event_there_is_no_move(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_fields: Any) -> None:
        raise IntegrityError("the disk is full")

    monkeypatch.setattr(SessionEvent.objects, "create", refuse)
    with pytest.raises(IntegrityError, match=r"^the disk is full$"):
        transition(session.pk, State.RESERVED, Event.LAUNCH)
    session.refresh_from_db()
    assert session.state == State.RESERVED


def test_further_columns_are_written_in_the_same_update(session: Session) -> None:
    put(session, State.RUNNING)
    transition(session.pk, State.RUNNING, Event.STOP, end_reason=EndReason.IDLE, end_detail="For an hour.")
    session.refresh_from_db()
    assert (session.end_reason, session.end_detail) == ("idle", "For an hour.")


def test_who_is_not_named_is_the_supervisor(session: Session) -> None:
    transition(session.pk, State.RESERVED, Event.LAUNCH)
    assert events(session) == [("launch", "reserved", "starting", "", "", "", "supervisor", "Desktop")]


@pytest.mark.parametrize(("state", "event", "after"), LEGAL)
def test_secrets_go_with_the_end_and_not_before(session: Session, state: State, event: Event, after: State) -> None:
    put(session, state)
    transition(session.pk, state, event)
    session.refresh_from_db()
    over = after in FINAL
    assert [getattr(session, name) for name in (*SECRETS, "wanted")] == (
        ["", "", "", ""] if over else ["a", "b", "c", "stop"]
    )
    assert (session.ended_at is not None) is over
    assert session.token_hash == "hash"


@pytest.mark.parametrize(("state", "event", "after"), LEGAL)
def test_the_moment_of_running_is_kept(session: Session, state: State, event: Event, after: State) -> None:
    put(session, state)
    transition(session.pk, state, event)
    session.refresh_from_db()
    assert (session.running_at == session.state_since) is (after is State.RUNNING)


def test_gateways_hear_of_a_move_once_it_is_committed(
    session: Session, nudged: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        transition(session.pk, State.RESERVED, Event.LAUNCH)
        assert nudged == []
        transition(session.pk, State.RESERVED, Event.LAUNCH)
    assert nudged == [session.pk]


def test_a_move_is_one_line_in_the_log(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "remote_service.lifecycle")
    transition(session.pk, State.RESERVED, Event.LAUNCH, why="It is wanted.")
    transition(session.pk, State.RESERVED, Event.LAUNCH, why="It is wanted.")
    transition(session.pk, State.STARTING, Event.REACH)
    assert caplog.messages == [
        f"session {session.pk}: reserved -> starting (It is wanted.)",
        f"session {session.pk}: starting -> running",
    ]


def test_what_people_gave_as_a_reason_cannot_act_on_a_terminal(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "remote_service.lifecycle")
    transition(session.pk, State.RESERVED, Event.LAUNCH, why="a\x1b[2J\x07\x9b1m\u202eb\nc")
    assert caplog.messages == [f"session {session.pk}: reserved -> starting (a [2J 1m b c)"]


def test_the_start_of_a_reserved_session_is_asked_for_once(session: Session, nudged: list[Any]) -> None:
    Session.objects.update(wanted="")
    assert ask_to_start(session.pk, STAFF) is True
    assert ask_to_start(session.pk, STAFF) is False
    session.refresh_from_db()
    assert session.wanted == "start"
    assert events(session) == [("start asked", "", "", "", "dora", "192.0.2.7", "admin", "Desktop")]
    assert nudged == ["supervisor"]


@pytest.mark.parametrize("state", [state for state in State if state is not State.RESERVED])
def test_a_session_that_is_under_way_is_not_started_again(session: Session, state: State, nudged: list[Any]) -> None:
    Session.objects.update(wanted="")
    assert ask_to_start(put(session, state).pk, STAFF) is False
    session.refresh_from_db()
    assert (session.wanted, events(session), nudged) == ("", [], [])


def test_what_shall_stop_is_not_started(session: Session) -> None:
    assert ask_to_start(session.pk, STAFF) is False


@pytest.mark.parametrize("state", sorted(LIVE))
@pytest.mark.parametrize("wanted", ["", "start"])
def test_the_end_of_a_live_session_is_asked_for_once(
    session: Session, state: State, wanted: str, nudged: list[Any]
) -> None:
    Session.objects.filter(pk=session.pk).update(state=state, wanted=wanted)
    assert ask_to_stop(session.pk, EndReason.STAFF, STAFF, "Maintenance.") is True
    assert ask_to_stop(session.pk, EndReason.USER, Actor("alice")) is False
    session.refresh_from_db()
    assert (session.state, session.wanted) == (state, "stop")
    assert (session.wanted_reason, session.wanted_detail) == ("staff", "Maintenance.")
    why = "It was stopped by staff. Maintenance."
    assert events(session) == [("stop asked", "", "", why, "dora", "192.0.2.7", "admin", "Desktop")]
    assert nudged == ["supervisor", session.pk]


@pytest.mark.parametrize("state", sorted(FINAL))
def test_what_is_over_is_not_stopped(session: Session, state: State, nudged: list[Any]) -> None:
    Session.objects.filter(pk=session.pk).update(state=state, wanted="")
    assert ask_to_stop(session.pk, EndReason.STAFF, STAFF) is False
    assert (events(session), nudged) == ([], [])


def test_a_reservation_is_given_back_at_once(session: Session) -> None:
    assert give_back(session.pk, EndReason.RELEASED, STAFF) is True
    session.refresh_from_db()
    assert (session.state, session.end_reason, session.sealed_token) == ("ended", "released", "")
    sentence = ENDINGS[EndReason.RELEASED].sentence
    assert events(session) == [("drop", "reserved", "ended", sentence, "dora", "192.0.2.7", "admin", "Desktop")]


@pytest.mark.parametrize("state", sorted(LIVE - {State.RESERVED}))
def test_what_was_started_is_not_given_back(session: Session, state: State) -> None:
    put(session, state)
    assert give_back(session.pk, EndReason.RELEASED, STAFF) is False
    session.refresh_from_db()
    assert session.state == state
    assert events(session) == []


@pytest.mark.parametrize("state", sorted(LIVE))
def test_progress_and_the_scripts_state_of_a_live_session_are_kept(
    session: Session, state: State, nudged: list[Any]
) -> None:
    programs = [[4711, 99, "Xtigervnc"]]
    lifecycle.remember(put(session, state).pk, "x" * 300, "sealed anew", programs)
    session.refresh_from_db()
    kept = (session.progress, session.sealed_script_state, session.programs)
    assert kept == ("x" * 200, "sealed anew", programs)
    assert nudged == [session.pk]


WHERE = Whereabouts("n8:/state/run", "another start", "machine pid:[1]")


def test_where_its_runner_is_is_kept_while_it_lives(session: Session, nudged: list[Any]) -> None:
    lifecycle.locate(put(session, State.RUNNING).pk, WHERE)
    session.refresh_from_db()
    assert (session.whereabouts, nudged) == (WHERE, [session.pk])

    lifecycle.locate(put(session, State.ENDED).pk, replace(WHERE, place="n9:/state/run"))
    session.refresh_from_db()
    assert (session.whereabouts, nudged) == (WHERE, [session.pk])


def test_since_when_nothing_is_known_stays_until_something_is(session: Session, nudged: list[Any]) -> None:
    put(session, State.RUNNING)
    lifecycle.doubt(session.pk, "The scheduler does not answer.")
    session.refresh_from_db()
    since = session.unknown_since
    assert since is not None
    assert session.unknown_reason == "The scheduler does not answer."

    lifecycle.doubt(session.pk, "Its node does not answer. " * 100)
    session.refresh_from_db()
    assert session.unknown_since == since
    assert session.unknown_reason == ("Its node does not answer. " * 100)[:MOST_REASON]

    lifecycle.doubt(session.pk, "")
    session.refresh_from_db()
    assert (session.unknown_since, session.unknown_reason) == (None, "")


@pytest.mark.parametrize("state", sorted(FINAL))
def test_nothing_secret_is_kept_of_a_session_that_is_over(session: Session, state: State, nudged: list[Any]) -> None:
    lifecycle.remember(put(session, state).pk, "late", "sealed late", [[4711, 99, "late"]])
    lifecycle.doubt(session.pk, "late")
    session.refresh_from_db()
    assert (session.progress, session.sealed_script_state, session.programs, nudged) == ("", "c", [], [])
    assert (session.unknown_since, session.unknown_reason) == (None, "")


def test_a_note_stands_in_the_history_of_its_session(session: Session) -> None:
    note(session.pk, "viewer refused", why="Who opened it may not.", by=STAFF)
    assert events(session) == [
        ("viewer refused", "", "", "Who opened it may not.", "dora", "192.0.2.7", "admin", "Desktop")
    ]


def test_a_note_needs_no_session() -> None:
    note(None, "refused", why="unknown_type: None.", by=STAFF, type_name="Dekstop")
    event = SessionEvent.objects.get()
    assert (event.session, event.type_name, event.why) == (None, "Dekstop", "unknown_type: None.")


def test_the_same_refusal_within_a_minute_is_one_event_and_after_it_another(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    note_refusal(session.pk, "not_owner", STAFF)
    note_refusal(session.pk, "not_owner", STAFF)
    assert SessionEvent.objects.count() == 1
    monkeypatch.setattr(lifecycle, "SAME_WITHIN", timedelta(0))
    note_refusal(session.pk, "not_owner", STAFF)
    assert SessionEvent.objects.count() == 2


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"by": replace(STAFF, address="192.0.2.8")}, id="another address"),
        pytest.param({"by": replace(STAFF, name="erik")}, id="another name"),
        pytest.param({"by": replace(STAFF, door="rest")}, id="another door"),
        pytest.param({"why": "no_group"}, id="another reason"),
        pytest.param({"what": "viewer refused"}, id="another act"),
        pytest.param({"session_id": None}, id="another session"),
    ],
)
def test_a_refusal_that_differs_in_anything_is_an_event_of_its_own(session: Session, other: dict[str, Any]) -> None:
    refusal: dict[str, Any] = {"session_id": session.pk, "why": "not_owner", "by": STAFF}
    note_refusal(**refusal)
    note_refusal(**refusal | other)
    assert SessionEvent.objects.count() == 2


def test_refusals_of_one_name_at_one_address_are_written_so_many_times_in_a_minute(session: Session) -> None:
    for number in range(lifecycle.MOST_REFUSALS + 5):
        note_refusal(None, f"unknown_type: {number}", STAFF)
    assert SessionEvent.objects.count() == lifecycle.MOST_REFUSALS
    note_refusal(None, "unknown_type: 1", replace(STAFF, address="192.0.2.8"))
    assert SessionEvent.objects.count() == lifecycle.MOST_REFUSALS + 1


def test_that_nobody_knows_of_a_session_is_told_when_it_begins_and_when_it_ends(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    put(session, State.RUNNING)
    for why in ("", "poll() hangs.", "poll() still hangs.", "", ""):
        lifecycle.doubt(session.pk, why)
    assert [(what, why) for what, _, _, why, *_ in events(session)] == [
        ("unknown", "poll() hangs."),
        ("known again", ""),
    ]
    assert caplog.messages == [f"session {session.pk}: nobody can tell whether it lives: poll() hangs."]


def test_a_stop_that_failed_is_told(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    lifecycle.note_failed_stop(session.pk)
    why = "stop() failed, as its log tells: see that nothing of the session is left"
    assert events(session) == [("stop failed", "", "", why, "", "", "supervisor", "Desktop")]
    assert caplog.messages == [f"session {session.pk}: {why}"]


def test_a_slot_is_put_into_quarantine_and_released(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    quarantine(session.pk, "stop() did not return")
    assert caplog.record_tuples == [
        (
            "remote_service.lifecycle",
            logging.ERROR,
            f"session {session.pk}: its slot is in quarantine: stop() did not return; release it on the dashboard",
        )
    ]
    session.refresh_from_db()
    assert session.quarantined is True
    assert release_quarantine(session.pk, STAFF) is True
    assert release_quarantine(session.pk, STAFF) is False
    session.refresh_from_db()
    assert session.quarantined is False
    assert events(session) == [
        ("quarantined", "", "", "stop() did not return", "", "", "supervisor", "Desktop"),
        ("released from quarantine", "", "", "", "dora", "192.0.2.7", "admin", "Desktop"),
    ]
