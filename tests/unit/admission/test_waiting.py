"""Who has waited too long."""

from __future__ import annotations

import pytest

from remote_service.admission.waiting import WaitingList


@pytest.fixture
def waiting() -> WaitingList[str]:
    found: WaitingList[str] = WaitingList(10.0)
    for at, who in enumerate(("alice", "bob", "charlie")):
        found.add(who, float(at))
    return found


def test_who_has_waited_too_long_is_told_once(waiting: WaitingList[str]) -> None:
    assert waiting.pop_late(9.9, 9) == []
    assert waiting.pop_late(11.0, 9) == ["alice", "bob"]
    assert waiting.pop_late(11.0, 9) == []
    assert waiting.pop_late(12.0, 9) == ["charlie"]
    assert len(waiting) == 0


def test_who_begins_again_waits_anew(waiting: WaitingList[str]) -> None:
    waiting.add("alice", 5.0)
    assert waiting.pop_late(12.0, 9) == ["bob", "charlie"]
    assert "alice" in waiting
    assert waiting.pop_late(15.0, 9) == ["alice"]


def test_who_left_is_not_late(waiting: WaitingList[str]) -> None:
    waiting.remove("bob")
    waiting.remove("nobody")
    assert waiting.pop_late(99.0, 9) == ["alice", "charlie"]


def test_the_oldest_is_the_one_that_came_first(waiting: WaitingList[str]) -> None:
    waiting.add("alice", 3.0)
    assert [waiting.pop_oldest() for _ in range(3)] == ["bob", "charlie", "alice"]
    with pytest.raises(StopIteration):
        waiting.pop_oldest()


def test_so_many_are_told_at_once_and_the_others_next(waiting: WaitingList[str]) -> None:
    assert waiting.pop_late(99.0, 0) == []
    assert waiting.pop_late(99.0, 2) == ["alice", "bob"]
    assert waiting.pop_late(99.0, 2) == ["charlie"]
