"""Limits of 0 with which nobody can use a session, and those with which one can."""

from __future__ import annotations

import pytest

from remote_service.config.schema import Limits
from remote_service.config.zero_limits import zero_limits


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("reservation_timeout", "0, with which a slot is free again before its session can be started"),
        ("start_timeout", "0, with which no session has time to start"),
        ("idle_timeout", "0, with which every session ends as soon as it runs"),
        ("max_lifetime", "0, with which every session ends as soon as it runs"),
    ],
)
def test_a_limit_that_leaves_no_time_is_named_with_what_to_write_instead(key: str, found: str) -> None:
    expected = "a number of seconds above 0, or null for no limit"
    fix = f'write "{key}": null if there is to be no such limit'
    assert list(zero_limits(Limits.model_validate({key: 0}))) == [(key, found, expected, fix)]
    assert list(zero_limits(Limits.model_validate({key: None}))) == []


def test_who_leaves_may_end_a_session_at_once() -> None:
    assert list(zero_limits(Limits(linger=0, reconnect=0))) == []
