"""Tests of what `manage.py sessions` prints for people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from remote_service.management.session_texts import (
    called,
    list_lines,
    quarantine_lines,
    remark,
    session_lines,
    when,
)

AT = datetime(2026, 11, 22, 14, 2, 3, tzinfo=UTC)
CALM: dict[str, Any] = {
    "reference": "1e392889",
    "state": "running",
    "since": AT,
    "user": "alice",
    "type": "Desktop",
    "slot": 2,
    "viewers": 1,
    "unknown_since": None,
    "unknown_reason": "",
    "wanted": "",
    "quarantined": False,
    "ending": "",
}


def test_moments_are_in_utc() -> None:
    assert when(AT.astimezone(timezone(timedelta(hours=9)))) == "2026-11-22 14:02:03"
    assert when(None) == ""


def test_a_session_is_a_line() -> None:
    assert list(list_lines([CALM, {**CALM, "user": "a\x1b[2Jl", "ending": "It was stopped."}], None)) == [
        "REFERENCE  STATE    SINCE (UTC)          USER   TYPE     SLOT  VIEWERS  REMARK",
        "1e392889   running  2026-11-22 14:02:03  alice  Desktop  2     1",
        "1e392889   running  2026-11-22 14:02:03  al     Desktop  2     1        It was stopped.",
    ]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, ""),
        (
            {"unknown_since": AT, "unknown_reason": "no answer"},
            "not known since 2026-11-22 14:02:03 whether it lives: no answer",
        ),
        ({"unknown_since": AT, "state": "ended", "ending": "Over."}, "Over."),
        ({"wanted": "stop"}, "its end was asked for"),
        ({"quarantined": True, "state": "failed", "ending": "Lost."}, "its slot is in quarantine; Lost."),
    ],
)
def test_what_is_special_about_it_is_told(changes: dict[str, Any], says: str) -> None:
    assert remark({**CALM, **changes}) == says


def test_a_slot_in_quarantine_is_told_with_its_reason() -> None:
    assert list(quarantine_lines([{**CALM, "why": "Its stop hung."}], None)) == [
        "REFERENCE  TYPE     SLOT  USER   SINCE (UTC)          WHY",
        "1e392889   Desktop  2     alice  2026-11-22 14:02:03  Its stop hung.",
    ]


def test_of_a_session_all_that_says_something_is_told() -> None:
    viewer = {
        "who": "bob", "address": "192.0.2.8", "opened_at": AT, "closed_at": None, "ending": "", "close_code": None,
        "bytes_down": 12, "bytes_up": 3,
    }  # fmt: skip
    event = {
        "at": AT, "what": "stop", "from": "running", "to": "stopping", "why": "Maintenance.", "who": "dora",
        "address": "192.0.2.7", "door": "dashboard",
    }  # fmt: skip
    record = {"state": "running", "unprotected": True, "created_at": AT, "title": "", "options": {"a": 1, "b": None}}
    assert list(session_lines(record, [viewer], [event, {**event, "what": "kept", "to": ""}], None)) == [
        "state:        running",
        "unprotected:  yes",
        "created at:   2026-11-22 14:02:03 UTC",
        "options:      a=1",
        "",
        "Viewers",
        "CAME (UTC)           LEFT (UTC)  HOW    SENT  RECEIVED  FROM       WHO",
        "2026-11-22 14:02:03              looks  12    3         192.0.2.8  bob",
        "",
        "History",
        "TIME (UTC)           WHAT                        WHO   FROM                 WHY",
        "2026-11-22 14:02:03  stop (running -> stopping)  dora  dashboard 192.0.2.7  Maintenance.",
        "2026-11-22 14:02:03  kept                        dora  dashboard 192.0.2.7  Maintenance.",
    ]


@pytest.mark.parametrize(
    ("ending", "code", "how"),
    [
        ("clean", None, "clean"),
        ("clean", 4001, "logged out, or not allowed any more (4001)"),
        ("cut", 4002, "what they may do has changed (4002)"),
        ("cut", 4999, "sent away (4999)"),
    ],
)
def test_who_was_sent_away_is_told_from_who_left(ending: str, code: int | None, how: str) -> None:
    viewer = {
        "who": "bob", "address": "", "opened_at": AT, "closed_at": AT, "ending": ending, "close_code": code,
        "bytes_down": 0, "bytes_up": 0,
    }  # fmt: skip
    assert f"2026-11-22 14:02:03  2026-11-22 14:02:03  {how}  " in list(session_lines({}, [viewer], [], None))[3]


def test_the_first_slot_is_a_slot() -> None:
    record = {"title": "", "slot": 0, "viewers": 0, "wall": None, "extension": 0.0, "unprotected": False, "limits": {}}
    assert list(session_lines(record, [], [], None))[:3] == ["slot:     0", "viewers:  0", ""]


def test_a_session_is_called_by_its_reference_its_type_and_its_user() -> None:
    assert called(CALM) == "1e392889 (Desktop of alice)"
    assert called({**CALM, "user": ""}) == "1e392889 (Desktop)"
