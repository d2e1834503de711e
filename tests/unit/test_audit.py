"""Tests of audit lines: every event is one, once it is committed, without secrets, for those who want them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from remote_service import audit, lifecycle, sharing, staff
from remote_service.actors import Actor
from remote_service.audit import MOST_WHY, fields_of
from remote_service.models import Session, SessionEvent
from remote_service.states import Event, State

DORA = Actor("dora", "192.0.2.7", "dashboard")
PRODUCT = Path(audit.__file__).parent

Lines = list[dict[str, Any]]


class Kept(logging.Handler):
    """Keeps the lines that it gets, as what they say."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: Lines = []

    def emit(self, record: logging.LogRecord) -> None:
        told = json.loads(record.getMessage())
        assert told == record.event  # type: ignore[attr-defined]
        self.lines.append(told)


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What a site's own handler is told."""
    handler = Kept()
    audit.log.addHandler(handler)
    audit.log.setLevel(logging.INFO)
    yield handler.lines
    audit.log.setLevel(logging.CRITICAL)
    audit.log.removeHandler(handler)


@pytest.fixture
def session(transactional_db: None) -> Session:
    return Session.objects.create(type_name="Desktop", index=0, door="web", token_hash="1", state=State.RUNNING)


def test_a_transition_is_a_line(session: Session, lines: Lines) -> None:
    lifecycle.transition(session.pk, State.RUNNING, Event.STOP, why="Maintenance.", by=DORA)
    (told,) = lines
    at = session.events.get().at
    assert told == {
        "time": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "session": str(session.pk),
        "type": "Desktop",
        "what": "stop",
        "from": "running",
        "to": "stopping",
        "why": "Maintenance.",
        "who": "dora",
        "address": "192.0.2.7",
        "door": "dashboard",
    }
    assert datetime.fromisoformat(told["time"]) == at


def test_refusals_shares_and_acts_of_staff_are_lines_too(
    session: Session, lines: Lines, make_type: Callable[..., Any], alice: User
) -> None:
    make_type("Desktop")
    Session.objects.update(owner=alice)
    session.refresh_from_db()
    lifecycle.note_refusal(None, "forbidden", DORA, type_name="Desktop")
    sharing.make_share(session, sharing.Offer(), alice, DORA)
    staff.set_maintenance("Back at noon.", DORA)
    staff.stop_session(session.pk, "Enough.", DORA)
    assert [(told["what"], told["session"]) for told in lines] == [
        ("refused", None),
        ("shared", str(session.pk)),
        ("maintenance began", None),
        ("stop asked", str(session.pk)),
    ]
    assert lines[0]["type"] == "Desktop"


def test_what_is_not_committed_is_no_line(session: Session, lines: Lines) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        lifecycle.note(session.pk, "kept", by=DORA)
        assert lines == []
        raise RuntimeError
    assert lines == []


def test_times_are_in_utc_and_reasons_have_an_end_and_no_queries() -> None:
    at = datetime(2026, 11, 22, 23, 2, 3, 40, tzinfo=timezone(timedelta(hours=9)))
    told = fields_of(SessionEvent(at=at, what="refused", why="/websockify?token=abc was asked. " + "x" * MOST_WHY))
    assert told["time"] == "2026-11-22T14:02:03.000040Z"
    assert told["why"].startswith("/websockify?… was asked. xxx")
    assert len(told["why"]) == MOST_WHY
    assert told["session"] is None


def test_nobody_pays_for_lines_that_nobody_wants(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_event: SessionEvent) -> dict[str, Any]:
        raise AssertionError

    monkeypatch.setattr(audit, "fields_of", fail)
    lifecycle.note(session.pk, "kept", by=DORA)
    assert session.events.exists()


def test_a_line_is_one_whatever_people_wrote(session: Session, lines: Lines) -> None:
    lifecycle.note(session.pk, "kept", why='a "quoted"\nreason\u2028\u202e\x1b[31m', by=DORA)
    written = json.dumps(lines[0])
    assert written.isascii() and written.isprintable()


def test_no_module_writes_events_without_telling_of_them() -> None:
    writers = {
        path.relative_to(PRODUCT).as_posix()
        for path in [*PRODUCT.rglob("*.py"), *(PRODUCT.parent / "webui").rglob("*.py")]
        if any(
            way in path.read_text()
            for way in ("SessionEvent.objects.create", "SessionEvent.objects.bulk", "insert(SessionEvent")
        )
    }
    assert writers == {"lifecycle.py", "relay/visits.py"}
    assert all("audit.tell(SessionEvent" in (PRODUCT / name).read_text() for name in writers)
