"""`manage.py sessions`: what each of its acts does to the database, prints, and answers when it cannot."""

from __future__ import annotations

import io
import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from remote_service import lease, lifecycle, oversight
from remote_service.management.commands import sessions
from remote_service.models import Lease, Session
from remote_service.session_logs import log_path
from remote_service.states import EndReason, Event, State

ID = uuid.UUID("1e392889-41dd-4afa-8000-000000000001")
AT = datetime(2026, 11, 22, 14, 2, 3, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _somebody_supervises(gateway_settings: Any, db: Any) -> None:
    assert lease.take(lease.look(), "n8:/srv/state/run")


@pytest.fixture(autouse=True)
def _typed_by_dora(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions.os, "getuid", lambda: 0)
    monkeypatch.setenv("SUDO_USER", "dora")


@pytest.fixture
def session() -> Session:
    return Session.objects.create(
        pk=ID, type_name="Desktop", index=2, door="web", token_hash="1", state=State.RUNNING, username="alice"
    )


@pytest.fixture
def log(session: Session) -> Any:
    path = log_path(session.pk)
    path.write_text("one\ntwo\n\x1b[31mthree\x1b[0m\n")
    return path


def run(*arguments: str) -> str:
    printed = io.StringIO()
    call_command("sessions", *arguments, stdout=printed)
    return printed.getvalue()


def refused(*arguments: str) -> CommandError:
    with pytest.raises(CommandError) as found:
        run(*arguments)
    return found.value


def end(session: Session) -> None:
    lifecycle.transition(session.pk, State.RUNNING, Event.STOP)
    lifecycle.transition(session.pk, State.STOPPING, Event.FINISH, end_reason=EndReason.STAFF, end_detail="Enough.")


# ---- list and show ------------------------------------------------------------------------------------------


def test_the_list_is_a_table_with_its_filters(session: Session) -> None:
    Session.objects.create(type_name="Wall", index=0, door="web", token_hash="2", state=State.ENDED)
    header, *rows = run("list").splitlines()
    assert header.split() == ["REFERENCE", "STATE", "SINCE", "(UTC)", "USER", "TYPE", "SLOT", "VIEWERS", "REMARK"]
    assert [row.split()[0] for row in rows] == ["1e392889"]
    assert len(run("list", "--all").splitlines()) == 3
    assert len(run("list", "--user", "alice", "--type", "Desktop", "--state", "running").splitlines()) == 2
    assert len(run("list", "--state", "ended").splitlines()) == 2
    assert len(run("list", "--user", "bob").splitlines()) == 1


def test_the_list_as_json(session: Session) -> None:
    (found,) = json.loads(run("list", "--json"))
    assert (found["id"], found["reference"], found["state"], found["slot"]) == (str(ID), "1e392889", "running", 2)


def test_a_state_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    assert "invalid choice: 'paused' (choose from 'reserved', 'starting'," in str(refused("list", "--state", "paused"))


def test_a_session_is_shown_with_its_history(session: Session) -> None:
    end(session)
    shown = run("show", "1e392889")
    assert "state:               ended\n" in shown
    assert "ending:              It was stopped by staff. Enough.\n" in shown
    assert "finish (stopping -> ended)" in shown
    told = json.loads(run("show", str(ID), "--json"))
    assert [event["what"] for event in told["history"]] == ["stop", "finish"]
    assert told["seen_by"] == []


def test_a_session_that_there_is_not_is_told() -> None:
    for act in (("show",), ("stop", "--reason=x"), ("log",), ("quarantine", "release")):
        assert str(refused(*act, "00000000")).startswith("There is no session whose id is 00000000, or begins so.")


# ---- stop ---------------------------------------------------------------------------------------------------


def test_a_stop_is_asked_for_once_by_who_types_with_a_reason(session: Session) -> None:
    for before in ("", " before"):
        said = run("stop", "1e392889", "--reason", "Maintenance.")
        assert said == f"The end of 1e392889 (Desktop of alice) has been asked for{before}.\n"
    session.refresh_from_db()
    assert (session.wanted, session.wanted_reason, session.wanted_detail) == ("stop", "staff", "Maintenance.")
    (event,) = session.events.all()
    assert (event.what, event.who, event.door) == ("stop asked", "dora", "command")


def test_a_reason_cannot_act_on_a_terminal(session: Session) -> None:
    run("stop", "1e392889", "--reason", "\x1b[2JMain\u202etenance.")
    session.refresh_from_db()
    assert session.wanted_detail == "[2JMain tenance."


def test_of_a_session_that_is_over_it_says_so(session: Session) -> None:
    end(session)
    Session.objects.update(ended_at=AT)
    said = run("stop", "1e392889", "--reason", "Maintenance.", "--wait")
    assert said == (
        "1e392889 (Desktop of alice) has been over since 2026-11-22 14:02:03 UTC: It was stopped by staff. Enough.\n"
    )
    assert json.loads(run("stop", "1e392889", "--reason", "x", "--json"))["asked"] is False


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_a_reason_is_needed_that_fits(session: Session, reason: str) -> None:
    assert str(refused("stop", "1e392889", "--reason", reason)) == (
        f"--reason has {len(reason.strip())} characters; expected a sentence of 1 to 500, which the owner of 1e392889 "
        "reads."
    )


def test_it_waits_for_the_end(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions.time, "sleep", lambda _seconds: end(session))
    said = run("stop", "1e392889", "--reason", "Enough.", "--wait")
    assert said.endswith("It was stopped by staff. Enough.\n")


def test_but_not_for_ever(session: Session) -> None:
    error = refused("stop", "1e392889", "--reason", "Enough.", "--wait", "0")
    assert error.returncode == sessions.NOT_OVER
    assert str(error) == (
        "1e392889 is running after 0 s; it ends as soon as its script lets it. 'manage.py sessions log 1e392889 "
        "--follow' shows what it does."
    )


def test_for_what_nobody_does_it_does_not_wait(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    Lease.objects.update(holder="", renewed_at=AT)
    monkeypatch.setattr(sessions.time, "sleep", lambda _seconds: pytest.fail("it waits"))
    error = refused("stop", "1e392889", "--reason", "Enough.", "--wait")
    assert error.returncode == sessions.NOT_OVER
    assert str(error) == (
        "1e392889 is running, and nobody supervises: the last one, at n8:/srv/state/run, left at 2026-11-22 14:02:03 "
        f"UTC. Whoever does so next ends it. {oversight.REMEDY}"
    )
    session.refresh_from_db()
    assert session.wanted == "stop"


def test_what_nobody_can_tell_is_declared_on_purpose_only(session: Session) -> None:
    Session.objects.update(unknown_since=AT, unknown_reason="no answer")
    assert str(refused("stop", "1e392889", "--reason", "Gone.")) == (
        "Since 2026-11-22 14:02:03 UTC nobody can tell whether 1e392889 lives (no answer). See that nothing of it is "
        "left, then add --declare-ended."
    )
    assert not session.events.exists()
    run("stop", "1e392889", "--reason", "Gone.", "--declare-ended")
    assert list(session.events.values_list("what", "why", "who")) == [("declared ended", "Gone.", "dora")]


def test_what_can_be_told_is_not_declared(session: Session) -> None:
    assert str(refused("stop", "1e392889", "--reason", "Gone.", "--declare-ended")) == (
        "1e392889 is running, and the server can tell that; only a session of which nobody can tell whether it lives "
        "is declared ended. Stop it without --declare-ended."
    )


# ---- log ----------------------------------------------------------------------------------------------------


def test_the_log_is_printed_as_pages_show_it(log: Any) -> None:
    assert run("log", "1e392889") == "one\ntwo\nthree\n"
    assert run("log", "1e392889", "--tail", "1") == "three\n"
    assert json.loads(run("log", "1e392889", "--tail", "2", "--json")) == {
        "session": str(ID),
        "text": "two\nthree\n",
        "skipped": False,
    }


def test_it_is_followed_until_the_session_is_over(session: Session, log: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def go_on(_seconds: float) -> None:
        with log.open("a") as file:
            file.write("four\nunfinished")
        end(session)

    monkeypatch.setattr(sessions.time, "sleep", go_on)
    assert run("log", "1e392889", "--follow", "--tail", "0") == "four\nunfinished"


def test_a_log_that_there_is_not_yet_can_be_followed(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def go_on(_seconds: float) -> None:
        log_path(session.pk).write_text("first\n")
        end(session)

    monkeypatch.setattr(sessions.time, "sleep", go_on)
    assert run("log", "1e392889", "--follow", "--tail", "0") == "first\n"


def test_a_log_that_there_is_not_is_told(session: Session) -> None:
    said = f"1e392889 has no log: there is no {log_path(ID)}. Nothing was written, or it was removed by its age "
    assert str(refused("log", "1e392889")).startswith(said)
    end(session)
    assert str(refused("log", "1e392889", "--follow")).startswith(said)


def test_a_number_of_lines_that_is_none_is_refused(session: Session) -> None:
    assert str(refused("log", "1e392889", "--tail", "-1")) == "--tail is -1; expected a number of lines, such as 40."


# ---- quarantine ---------------------------------------------------------------------------------------------


def test_slots_in_quarantine_are_listed_and_released(session: Session) -> None:
    assert run("quarantine") == "No slot is in quarantine.\n"
    lifecycle.quarantine(session.pk, "Its stop hung.")
    assert run("quarantine").splitlines()[1].endswith("Its stop hung.")
    assert json.loads(run("quarantine", "--json"))[0]["why"] == "Its stop hung."
    assert run("quarantine", "release", "1e392889") == "The slot 2 of Desktop is back in service.\n"
    assert session.events.last().who == "dora"  # type: ignore[union-attr]
    assert str(refused("quarantine", "release", "1e392889")) == (
        "The slot of 1e392889 (Desktop of alice) is not in quarantine; the session is running. 'manage.py sessions "
        "quarantine' lists the slots that are."
    )
