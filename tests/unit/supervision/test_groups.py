"""Control groups as a supervisor has them, without the kernel's."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

import pytest

from remote_service.config.problems import lines
from remote_service.config.schema import SessionType
from remote_service.hosting.cgroups import Groups, Home
from remote_service.hosting.shares import Share
from remote_service.hosting.status import Status
from remote_service.models import Session
from remote_service.supervision.groups import SessionGroups, share_of

LIMITS = {"memory": "8G", "cpus": 1.5, "tasks": 500}
GONE = 2**22 + 1


class Kernel(Groups):
    """Notes what is asked of it."""

    def __init__(
        self, *, homes: int = 1, error: OSError | None = None, ends: bool = True, killed: bool = False,
        refused: bool = False,
    ) -> None:  # fmt: skip
        super().__init__("", [])
        self.homes = (Home(Path("/nowhere"), frozenset(), unified=True),) * homes
        self.error, self.ends, self.killed, self.refused = error, ends, killed, refused
        self.asked: list[Any] = []

    def hold(self, session: str, share: Share, runner: int) -> None:
        self.asked.append((session, share, runner))
        if self.error is not None:
            raise self.error

    def end(self, session: str, *, leave: float = 0.0, patience: float = 2.0) -> bool:
        self.asked.append((session, leave))
        return self.ends

    def ran_out_of_memory(self, session: str) -> bool:
        return self.killed

    def was_refused_tasks(self, session: str) -> bool:
        return self.refused


def session(**limits: Any) -> Session:
    return Session(pk=uuid.uuid4(), stored_limits=limits)


def test_types_whose_limits_cannot_be_kept_are_named() -> None:
    base: dict[str, Any] = {"script": "desktop.py", "count": 1, "options": {}}
    types = [
        SessionType.model_validate({"name": "Free", **base}),
        SessionType.model_validate({"name": "Bounded", **base, "limits": LIMITS}),
    ]
    (problem,) = SessionGroups(Groups("", [])).unkept(types, Path("/srv/sessions.json"))
    place = 'at "Bounded" \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} limits'
    assert lines([problem]) == [
        f"warning W008 /srv/sessions.json: {place}: found limits that are not kept: cpus and memory and tasks cannot "
        "be limited: REMOTE_SERVICE_CGROUP names no control group; expected a control group that keeps them. Fix: set "
        "REMOTE_SERVICE_CGROUP to one, or leave them out."
    ]


async def test_a_runner_is_held_within_its_session_s_limits() -> None:
    kernel, found = Kernel(), session(**LIMITS)
    await SessionGroups(kernel).hold(found, 4711)
    assert kernel.asked == [(str(found.pk), Share(8 * 2**30, 1.5, 500), 4711)]
    assert share_of(session().limits) == Share()


async def test_a_session_goes_on_whose_limits_cannot_be_set(caplog: pytest.LogCaptureFixture) -> None:
    found = session(**LIMITS)
    await SessionGroups(Kernel(error=OSError(16, "Device or resource busy"))).hold(found, 4711)
    assert caplog.messages == [
        f"session {found.pk}: its limits of memory, processors and tasks are not kept: "
        "[Errno 16] Device or resource busy"
    ]


def test_what_took_more_than_its_memory_is_told_so() -> None:
    assert SessionGroups(Kernel(killed=True)).exceeded(session(**LIMITS)) == "It used more than its 8 GiB of memory."
    assert SessionGroups(Kernel(killed=False)).exceeded(session(**LIMITS)) == ""
    # The machine's own memory was full.
    assert SessionGroups(Kernel(killed=True)).exceeded(session()) == ""


def test_what_was_refused_more_tasks_is_told_so() -> None:
    ended = "The program ended before it could be reached: sh has ended: exit status 2."
    assert SessionGroups(Kernel(refused=True)).with_refusals(session(**LIMITS), ended) == (
        f"It wanted more than its 500 processes and threads, and was refused them. {ended}"
    )
    assert SessionGroups(Kernel(refused=False)).with_refusals(session(**LIMITS), ended) == ended
    assert SessionGroups(Kernel(refused=True)).with_refusals(session(), ended) == ended


async def test_survivors_are_killed_with_the_group_and_those_that_live_are_told() -> None:
    kernel = Kernel()
    status = await SessionGroups(kernel).end_survivors(Status("a-session", survivors=(GONE, os.getpid())))
    assert kernel.asked == [("a-session", 0.0)]
    assert status.survivors == (os.getpid(),)


@pytest.mark.parametrize(("homes", "survivors"), [(1, ()), (0, (GONE,))])
async def test_without_survivors_or_a_group_nothing_is_killed(homes: int, survivors: tuple[int, ...]) -> None:
    kernel = Kernel(homes=homes)
    status = Status("a-session", survivors=survivors)
    assert await SessionGroups(kernel).end_survivors(status) is status
    assert kernel.asked == []


async def test_a_group_that_does_not_empty_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    await SessionGroups(Kernel(ends=False)).end("a-session", leave=1.0)
    assert caplog.messages == [
        "session a-session: its control group could not be removed: something in it cannot be ended"
    ]


def test_it_knows_whose_groups_there_are() -> None:
    assert SessionGroups(Groups("", [])).sessions() == set()
