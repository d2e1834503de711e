"""What a viewer says shortly before a limit ends its session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from remote_service.models import Session
from remote_service.states import State
from webui.end_warning import end_mark, end_warning, is_near_its_end

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SOON = NOW + timedelta(seconds=50)


def session(owner: User, near_end: str = "idle", **columns: Any) -> Session:
    values = {"state": State.RUNNING, "ends_at": SOON, "stored_limits": {"max_lifetime": 3600}, **columns}
    return Session(owner=owner, near_end=near_end, **values)


def test_the_mark_changes_with_the_end_that_is_near(alice: User) -> None:
    assert end_mark(session(alice)) == {
        "ending": '<div id="ending" data-until="2026-03-01T12:00:50+00:00" hidden></div>'
    }
    assert end_mark(session(alice, "", ends_at=None)) == {"ending": '<div id="ending" data-until="" hidden></div>'}


@pytest.mark.parametrize("columns", [{"near_end": ""}, {"state": State.STOPPING}, {"wanted": "stop"}])
def test_no_end_is_near_without_a_limit_or_once_it_ends(alice: User, columns: dict[str, Any]) -> None:
    found = session(alice, **columns)
    assert not is_near_its_end(found)
    assert end_warning(found, alice, NOW) is None


@pytest.mark.parametrize(
    ("near_end", "limits", "words", "keep"),
    [
        (
            "idle",
            {"idle_timeout": 3600},
            "Nobody has used keyboard or pointer for a while, so this session ends in {}.",
            True,
        ),
        (
            "lifetime",
            {"max_lifetime": 3600, "most_lifetime": 7200},
            "This session has run for nearly as long as it may, and ends in {}. Its time can be extended.",
            True,
        ),
        (
            "lifetime",
            {"max_lifetime": 3600},
            "This session has run for nearly as long as it may, and ends in {}. Save your work.",
            False,
        ),
    ],
)
def test_it_says_why_and_whether_it_can_be_kept(
    alice: User, watcher: User, near_end: str, limits: dict[str, float], words: str, keep: bool
) -> None:
    found = session(alice, near_end, stored_limits=limits)
    assert end_warning(found, alice, NOW) == {"left": 50.0, "words": words, "keep": keep}
    looking = end_warning(found, watcher, NOW)
    assert looking is not None and looking["keep"] is False


def test_the_time_that_is_left_is_never_less_than_none(alice: User) -> None:
    warned = end_warning(session(alice), alice, NOW + timedelta(minutes=5))
    assert warned is not None and warned["left"] == 0.0


def test_a_guest_cannot_keep_it_even_with_control(
    alice: User, make_type: Callable[..., Any], with_guests: Any, come_as_guest: Callable[..., Any]
) -> None:
    make_type("Pattern")
    hers = session(alice, type_name="Pattern", index=0, door="web")
    hers.save()
    warned = end_warning(hers, come_as_guest(hers, control=True), NOW)
    assert warned is not None and warned["keep"] is False
