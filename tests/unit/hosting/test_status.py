"""The record that a runner sends: whole, there and back, and without its secrets where it is shown."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from remote_service.answers import Poll
from remote_service.endpoints import Endpoint
from remote_service.hosting.programs import Program
from remote_service.hosting.status import NEEDS_NO_STOP, Phase, StartFault, Status, StopOutcome

FULL = Status(
    session="a-session",
    phase=Phase.OVER,
    fault=StartFault.DIED,
    detail="Why.",
    endpoint=Endpoint.unix("/tmp/sock"),
    password="a secret",
    poll=Poll.ended("It went."),
    progress="2 of 3",
    stop=StopOutcome.HUNG,
    survivors=(7, 8),
    state={"display": 3, "secret": "of the script"},
    programs=(Program(4711, 99, "Xtigervnc"), Program(4712, 100, "xterm")),
    runner=4242,
    log_trouble="No space left on device",
)


@pytest.mark.parametrize("status", [Status("a-session"), FULL], ids=["fresh", "full"])
def test_it_comes_back_from_json_as_it_was(status: Status) -> None:
    assert Status.from_dict(json.loads(json.dumps(status.as_dict()))) == status


def test_a_fresh_one_says_that_nothing_has_happened() -> None:
    fresh = Status("a-session")
    assert (fresh.phase, fresh.fault, fresh.stop) == (Phase.IDLE, None, StopOutcome.NOT_CALLED)
    assert fresh.poll == Poll.alive()


def test_one_of_a_runner_of_the_version_before_has_neither_its_pid_nor_programs() -> None:
    old = {key: value for key, value in FULL.as_dict().items() if key not in ("programs", "runner", "log_trouble")}
    assert Status.from_dict(old) == replace(FULL, programs=(), runner=0, log_trouble="")


def test_its_text_shows_neither_the_password_nor_the_script_s_state() -> None:
    assert "a secret" not in repr(FULL) and "of the script" not in repr(FULL)


def test_only_a_start_that_did_nothing_needs_no_stop() -> None:
    assert {StartFault.REFUSED, StartFault.FALSY} == NEEDS_NO_STOP


@pytest.mark.parametrize("field", ["phase", "fault", "stop"])
def test_a_word_that_is_none_of_ours_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match=r"^'rubbish' is not a valid "):
        Status.from_dict(FULL.as_dict() | {field: "rubbish"})
