"""Tests of what staff are shown of sessions: which ones are listed, what of them, and no secret."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from remote_service import lifecycle, session_record
from remote_service.actors import Actor
from remote_service.masking import MASK
from remote_service.models import Guest, Session, Viewer
from remote_service.sealing import seal
from remote_service.states import State

pytestmark = pytest.mark.django_db


def make(index: int, state: State = State.RUNNING, **columns: Any) -> Session:
    columns = {"type_name": "Desktop", "door": "web", "token_hash": str(uuid.uuid4()), **columns}
    return Session.objects.create(index=index, state=state, **columns)


def listed(**wanted: Any) -> list[int]:
    return [found["slot"] for found in session_record.listed(**wanted)]


def test_what_lives_and_what_is_in_quarantine_is_listed_and_the_rest_when_it_is_asked_for() -> None:
    make(0, State.ENDED)
    make(1, State.FAILED, quarantined=True)
    make(2, username="alice")
    make(3, State.QUEUED, type_name="Wall")
    assert listed() == [3, 2, 1]
    assert listed(over=True) == [3, 2, 1, 0]
    assert listed(states=["ended", "queued"]) == [3, 0]
    assert listed(user="alice") == [2]
    assert listed(type_name="Wall") == [3]
    assert listed(type_name="Wall", user="alice") == []


def test_who_looks_now_is_counted() -> None:
    session = make(0)
    Viewer.objects.create(session=session)
    Viewer.objects.create(session=session)
    Viewer.objects.create(session=session, closed_at=timezone.now())
    make(1)
    assert [found["viewers"] for found in session_record.listed()] == [0, 2]
    assert session_record.record(session)["viewers"] == 2


def test_no_secret_is_shown() -> None:
    session = make(
        0,
        sealed_token=seal("token-1"),
        sealed_password=seal("password-1"),
        sealed_script_state=seal("state-1"),
        options={"size": "1x1", "api_key": "K-1"},
    )
    shown = session_record.record(session)
    assert shown["options"] == {"size": "1x1", "api_key": MASK}
    secrets = (session.token_hash, session.sealed_token, session.sealed_password, session.sealed_script_state, "K-1")
    assert [secret for secret in secrets if secret in str(shown)] == []


def test_viewers_are_told_with_their_names(alice: User) -> None:
    session = make(0)
    guest = Guest.objects.create(session=session, browser_hash="b", name="Grace")
    Viewer.objects.create(session=session, user=alice, address="192.0.2.7", bytes_down=5)
    Viewer.objects.create(session=session, guest=guest)
    Viewer.objects.create(session=session)
    told = session_record.viewers(session)
    assert [viewer["who"] for viewer in told] == ["alice", "guest “Grace”", ""]
    assert (told[0]["address"], told[0]["bytes_down"]) == ("192.0.2.7", 5)


def test_history_has_who_what_why_and_from_where() -> None:
    session = make(0)
    lifecycle.note(session.pk, "kept", why="It counts as used now.", by=Actor("bob", "192.0.2.8", "web"))
    (told,) = session_record.history(session)
    assert {**told, "at": None} == {
        "at": None, "what": "kept", "from": "", "to": "", "why": "It counts as used now.", "who": "bob",
        "address": "192.0.2.8", "door": "web",
    }  # fmt: skip


def test_slots_in_quarantine_are_told_with_the_last_reason() -> None:
    session = make(4, State.STOPPING)
    make(5, quarantined=True)
    lifecycle.quarantine(session.pk, "Its stop hung.")
    lifecycle.quarantine(session.pk, "A process is left.")
    told = {found["slot"]: found["why"] for found in session_record.quarantined()}
    assert told == {4: "A process is left.", 5: ""}
