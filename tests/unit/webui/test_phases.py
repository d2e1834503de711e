"""Tests of the phases that the viewer lists."""

from __future__ import annotations

import pytest

from remote_service.models import Session
from remote_service.states import State
from webui.phases import phases


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State.RESERVED, ["current", "coming", "skipped", "coming"]),
        (State.STARTING, ["done", "current", "skipped", "coming"]),
        (State.QUEUED, ["done", "done", "current", "coming"]),
        (State.RUNNING, ["done", "done", "skipped", "current"]),
        (State.STOPPING, ["done", "done", "skipped", "done"]),
    ],
)
def test_each_state_has_its_place(state: State, expected: list[str]) -> None:
    found = phases(Session(state=state))
    assert [phase.key for phase in found] == ["reserved", "starting", "queued", "running"]
    assert [phase.status for phase in found] == expected
