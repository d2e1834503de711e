"""Tests of retention: what is old goes, in pieces; what lives, is in quarantine or is young stays."""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone

from remote_service import conf, retention
from remote_service.models import Guest, Session, SessionEvent, Share, ShareHolder, StaffLook, Viewer
from remote_service.retention import Fate, Horizon, at_work, in_words, log_may_go, tidy
from remote_service.session_logs import log_path
from remote_service.states import State

NOW = datetime(2026, 11, 22, 14, 2, 3, tzinfo=UTC)
DAY = timedelta(days=1)


def nothing() -> list[Path]:
    return []


# ---- what is old --------------------------------------------------------------------------------------------


def test_the_horizon_is_so_many_days_ago_and_nowhere_for_none() -> None:
    assert Horizon.at(NOW, 180, 14) == Horizon(NOW - 180 * DAY, NOW - 14 * DAY, NOW - 14 * DAY)
    assert Horizon.at(NOW, 0, 0) == Horizon(None, None, NOW - 14 * DAY)


@pytest.mark.parametrize(
    ("fate", "written", "goes"),
    [
        (Fate(True, NOW - DAY), NOW - 9 * DAY, True),
        (Fate(True, NOW), NOW - 9 * DAY, False),
        (Fate(False, NOW - 9 * DAY), NOW - 9 * DAY, False),
        (None, NOW - DAY, True),
        (None, NOW, False),
    ],
)
def test_a_log_goes_so_long_after_the_end_of_its_session(fate: Fate | None, written: datetime, goes: bool) -> None:
    assert log_may_go(fate, written, NOW) is goes


# ---- what is removed ----------------------------------------------------------------------------------------


@pytest.fixture
def site(gateway_settings: Any, settings: Any, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Settings with short times, on a database that threads share; the rounds do not rest."""
    monkeypatch.setattr(retention, "REST", 0)
    settings.REMOTE_SERVICE = replace(gateway_settings, history_days=180, log_days=14)
    return settings


def make(state: State, days: float, *, log: str = "", **columns: Any) -> Session:
    """A session that ended, or got into its state, so many days ago."""
    at = timezone.now() - days * DAY
    ended = at if state in (State.ENDED, State.FAILED) else None
    columns = {"ended_at": ended, "state_since": at, "token_hash": str(uuid.uuid4()), **columns}
    index = Session.objects.count()
    session = Session.objects.create(type_name="Desktop", index=index, door="web", state=state, **columns)
    SessionEvent.objects.create(session=session, at=at, what="reserved")
    if log:
        log_path(session.pk).write_text(log)
        os.utime(log_path(session.pk), (at.timestamp(), at.timestamp()))
    return session


def run(now: datetime | None = None) -> Counter[str]:
    return asyncio.run(tidy(conf.current(), nothing, now or timezone.now()))


def test_sessions_that_ended_long_ago_go_with_all_that_hangs_on_them(site: Any, alice: User) -> None:
    old, young = make(State.ENDED, 181), make(State.FAILED, 179)
    for session in (old, young):
        Viewer.objects.create(session=session, user=alice)
        StaffLook.objects.create(session=session, user=alice, reason="Ticket")
        share = Share.objects.create(session=session, secret_hash=str(session.pk), audience="user", user=alice)
        guest = Guest.objects.create(session=session, browser_hash="b")
        ShareHolder.objects.create(share=share, guest=guest)
    removed = run()
    assert (removed["Session"], removed["SessionEvent"], removed["Viewer"]) == (1, 1, 1)
    for model in (Viewer, StaffLook, Share, Guest, SessionEvent):
        assert [row.session_id for row in model.objects.all()] == [young.pk]  # type: ignore[attr-defined]
    assert run() == {}


@pytest.mark.parametrize("state", [state for state in State if state not in (State.ENDED, State.FAILED)])
def test_what_lives_stays_however_old_it_is(site: Any, state: State) -> None:
    session = make(state, 4000, log="still writing")
    assert run() == {}
    assert session.events.count() == 1
    assert log_path(session.pk).exists()


def test_a_slot_in_quarantine_stays_with_its_history_and_its_log(site: Any) -> None:
    session = make(State.FAILED, 4000, log="why", quarantined=True)
    assert run() == {}
    Session.objects.update(quarantined=False)
    assert run() == {"Session": 1, "SessionEvent": 1, "log": 1}
    assert not log_path(session.pk).exists()


def test_a_session_whose_state_was_set_by_hand_counts_from_then(site: Any) -> None:
    make(State.FAILED, 181, ended_at=None)
    make(State.FAILED, 10, ended_at=None)
    assert run()["Session"] == 1


def test_events_that_are_about_no_session_go_too(site: Any) -> None:
    for days in (181, 179):
        SessionEvent.objects.create(what="refused", at=timezone.now() - days * DAY)
    assert run() == {"SessionEvent": 1}


def test_logs_go_earlier_than_history(site: Any) -> None:
    old, young = make(State.ENDED, 15, log="old"), make(State.ENDED, 13, log="young")
    assert run() == {"log": 1}
    assert (log_path(old.pk).exists(), log_path(young.pk).exists()) == (False, True)
    assert Session.objects.count() == 2


def test_logs_without_a_session_go_by_their_own_age_and_files_of_others_stay(site: Any) -> None:
    folder = conf.current().session_logs
    for name, days in ((f"{uuid.uuid4()}.log", 15), (f"{uuid.uuid4()}.log", 13), ("mine.log", 99), ("notes.txt", 99)):
        at = (timezone.now() - days * DAY).timestamp()
        (folder / name).touch()
        os.utime(folder / name, (at, at))
    assert run() == {"log": 1}
    assert len(list(folder.iterdir())) == 3


def test_for_ever_is_for_ever(site: Any) -> None:
    site.REMOTE_SERVICE = replace(site.REMOTE_SERVICE, history_days=0, log_days=0)
    make(State.ENDED, 4000, log="precious")
    SessionEvent.objects.create(what="refused", at=timezone.now() - 4000 * DAY)
    assert run() == {}


def test_much_goes_in_pieces(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PIECE", 2)
    pieces: list[int] = []
    remove = retention.remove_sessions

    def remove_sessions(before: datetime) -> Counter[str]:
        removed = remove(before)
        pieces.append(removed["Session"])
        return removed

    monkeypatch.setattr(retention, "remove_sessions", remove_sessions)
    for _ in range(5):
        make(State.ENDED, 181, log="x")
    assert run() == {"Session": 5, "SessionEvent": 5, "log": 5}
    assert pieces == [2, 2, 1, 0]


def test_it_is_told_in_words() -> None:
    assert in_words(Counter(Session=1, SessionEvent=12, Viewer=0, log=2, copy=1)) == (
        "1 session that had ended, 12 events, 0 viewers, 2 logs, 1 old copies of scripts"
    )


# ---- by itself ----------------------------------------------------------------------------------------------


async def test_it_is_done_at_once_and_told_and_ends_with_its_block(
    site: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done = asyncio.Event()

    async def one_round(*_: object) -> Counter[str]:
        done.set()
        return Counter(log=3)

    monkeypatch.setattr(retention, "tidy", one_round)
    with caplog.at_level(logging.INFO, retention.__name__):
        async with at_work(conf.current(), nothing):
            await done.wait()
            await asyncio.sleep(0)
    assert caplog.messages == [
        "what was old is removed: 0 sessions that had ended, 0 events, 0 viewers, 3 logs, 0 old copies of scripts"
    ]


@pytest.mark.parametrize("error", [OperationalError("database is locked"), PermissionError(13, "Permission denied")])
async def test_a_round_that_fails_is_told_and_the_next_one_comes(
    site: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    again = asyncio.Event()
    answers: list[Callable[[], None]] = [lambda: None, again.set]

    async def fail(*_: object) -> Counter[str]:
        answers.pop(0)()
        if again.is_set():
            return Counter()
        raise error

    monkeypatch.setattr(retention, "tidy", fail)
    monkeypatch.setattr(retention, "EVERY", 0.01)
    async with at_work(conf.current(), nothing):
        await again.wait()
        monkeypatch.setattr(retention, "EVERY", 3600)
    assert caplog.messages == [f"what is old could not be removed, which is tried again in an hour: {error}"]
