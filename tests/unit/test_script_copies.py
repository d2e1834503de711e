"""Tests of removing old copies of scripts: none goes that somebody uses, or may use."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from remote_service.script_copies import SLACK, may_go, remove_old

NOW = datetime(2026, 11, 22, tzinfo=UTC)
BEFORE = NOW - timedelta(days=14)
OLD = BEFORE - timedelta(days=1)


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    return tmp_path / "copies"


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    return tmp_path / "marks"


def make(copies: Path, name: str = "abc") -> Path:
    (copies / name / "deep").mkdir(parents=True)
    (copies / name / "script.py").write_text("")
    return copies / name


def age(*paths: Path, at: datetime = OLD) -> None:
    for path in paths:
        os.utime(path, (at.timestamp(), at.timestamp()))


@pytest.mark.parametrize(
    ("last_used", "oldest_live", "goes"),
    [
        (OLD, None, True),
        (BEFORE, None, False),
        (NOW, None, False),
        (OLD, NOW, True),
        (OLD, OLD + SLACK + timedelta(seconds=1), True),
        (OLD, OLD + SLACK, False),
        (OLD, OLD - timedelta(days=30), False),
    ],
)
def test_a_copy_goes_when_it_is_old_and_no_session_lives_that_may_use_it(
    last_used: datetime, oldest_live: datetime | None, goes: bool
) -> None:
    assert may_go(last_used, BEFORE, oldest_live) is goes


def test_a_copy_that_was_used_stays_until_nobody_has_for_long(copies: Path, marks: Path) -> None:
    copy = make(copies)
    age(copy)
    assert remove_old([copy], marks, BEFORE, None, copies) == 0
    assert (marks / "abc").stat().st_mtime == pytest.approx(copy.stat().st_mtime, abs=5)
    assert remove_old([], marks, BEFORE, None, copies) == 0
    age(copy, marks / "abc")
    assert remove_old([copy], marks, BEFORE, None, copies) == 0
    age(copy, marks / "abc")
    assert remove_old([], marks, BEFORE, OLD, copies) == 0
    assert remove_old([], marks, BEFORE, None, copies) == 1
    assert (list(copies.iterdir()), list(marks.iterdir())) == ([], [])


def test_a_copy_that_another_server_uses_stays(copies: Path, marks: Path) -> None:
    copy = make(copies)
    remove_old([copy], marks, BEFORE, None, copies)
    age(marks / "abc")
    assert remove_old([], marks, BEFORE, None, copies) == 0
    assert (copy.is_dir(), list(marks.iterdir())) == (True, [])


def test_what_this_server_never_used_and_what_is_no_copy_stays(copies: Path, marks: Path, tmp_path: Path) -> None:
    other = make(copies, "other")
    own = make(tmp_path, "scripts")
    age(other, own)
    assert remove_old([own], marks, BEFORE, None, copies) == 0
    assert (other.is_dir(), own.is_dir(), marks.exists()) == (True, True, False)


def test_a_copy_that_somebody_has_removed_is_forgotten(copies: Path, marks: Path) -> None:
    marks.mkdir()
    (marks / "gone").touch()
    age(marks / "gone")
    assert remove_old([], marks, BEFORE, None, copies) == 0
    assert list(marks.iterdir()) == []
