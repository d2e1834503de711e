"""Sessions in control groups of their own, of the real server: what one takes, no other has to give."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from remote_service.hosting import processes
from remote_service.hosting.cgroups import Groups
from remote_service.hosting.scratch import scratch_left_by
from tests.integration.conftest import BRIEF, SMALL, OwnServer
from tests.integration.control_groups import control_group, controllers, mounted
from tests.integration.live import LiveServer, Reservation
from tests.waiting import eventually

GREEDY = {"script": "greedy_session.py", "count": 1}
SESSIONS: dict[str, Any] = {
    "Pattern": {"script": "test_pattern.py", "count": 2, "options": SMALL, "limits": BRIEF},
    "Takes memory": {**GREEDY, "options": {"does": "allocate", **SMALL}, "limits": {"memory": "128M"}},
    "Forks": {**GREEDY, "options": {"does": "fork", **SMALL}, "limits": {**BRIEF, "tasks": 40, "cpus": 0.5}},
    "Hides": {**GREEDY, "options": {"does": "hide", **SMALL}, "limits": {**BRIEF, "reconnect": 900}},
}


@pytest.fixture
def group() -> Iterator[str]:
    """A control group for the server's sessions."""
    if missing := {"memory", "cpu", "pids"} - controllers():
        pytest.skip(f"this kernel has no control of {', '.join(sorted(missing))}")
    with control_group() as name:
        yield name


@pytest.fixture
def site(group: str, own_server: OwnServer) -> LiveServer:
    return own_server(SESSIONS, REMOTE_SERVICE_CGROUP=group)


def runner_of(session: str) -> int:
    """The leader of its process session."""
    return next(p.pid for p in processes.marked(session) if os.getsid(p.pid) == p.pid and p.pid == os.getpgid(p.pid))


def over(site: LiveServer, reservation: Reservation) -> str:
    """The state in which a session ends."""
    return (
        eventually(lambda: (state := site.row(reservation).state) in ("ended", "failed") and state, within=20.0) or ""
    )


def test_a_session_that_takes_too_much_memory_ends_alone_and_says_why(site: LiveServer, group: str) -> None:
    neighbour, _ = site.run_session("Pattern")
    greedy, _ = site.run_session("Takes memory")
    (site.scripts / "go").touch()
    assert over(site, greedy) == "failed"
    row = site.row(greedy)
    assert (row.end_reason, row.end_detail) == ("out_of_memory", "It used more than its 128 MiB of memory.")
    assert not row.quarantined
    assert site.row(neighbour).state == "running"
    assert site.answers()
    eventually(lambda: Groups(group, mounted()).sessions() == {site.row(neighbour).id})
    assert "WARNING remote_service.supervision.groups" not in site.output


def test_a_fork_bomb_is_bounded_and_leaves_nothing(site: LiveServer, group: str) -> None:
    bomb, viewer = site.run_session("Forks")
    session = site.row(bomb).id
    (site.scripts / "go").touch()
    eventually(lambda: tasks_of(group, session) == 40, within=20.0)
    neighbour, _ = site.run_session("Pattern")
    viewer.close()
    assert over(site, bomb) == "ended"
    assert not site.row(bomb).quarantined
    # Its runner goes last, when that has been written.
    eventually(lambda: not processes.marked(session))
    assert site.row(neighbour).state == "running"


def tasks_of(group: str, session: str) -> int:
    (home,) = [home for home in Groups(group, mounted()).homes if "pids" in home.controllers]
    return int((home.folder / session / "pids.current").read_text())


def test_a_program_that_hides_from_everybody_ends_with_its_session(site: LiveServer) -> None:
    hiding, viewer = site.run_session("Hides")
    session = site.row(hiding).id
    (scratch,) = scratch_left_by(session)
    file = scratch / "hidden"
    hidden = int(eventually(lambda: file.exists() and file.read_text()))
    os.kill(runner_of(session), signal.SIGKILL)
    # Nobody's child now, and without a marker: only the group knows whose it is.
    eventually(lambda: b"runner replaced" in repr(site.query("SELECT what FROM remote_service_sessionevent")).encode())
    assert not processes.carries_marker(hidden, session)
    assert processes.look(hidden) is not None
    assert site.row(hiding).state == "running"
    viewer.close()
    over(site, hiding)
    eventually(lambda: (found := processes.look(hidden)) is None or found.dead)


def test_a_session_stays_in_its_group_when_another_supervisor_takes_it_over(site: LiveServer, group: str) -> None:
    held, viewer = site.run_session("Forks")
    session = site.row(held).id
    before = groups_of(runner_of(session))
    assert f"/remote-session/{session}" in before
    site.kill()
    site.start()
    assert groups_of(runner_of(session)) == before
    eventually(lambda: f"session {session}: found again" in site.output)
    viewer.close()
    site.stop(signal.SIGINT)
    assert Groups(group, mounted()).sessions() == set()


def groups_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cgroup").read_text()


def test_what_a_killed_supervisor_left_of_an_ended_session_is_removed(site: LiveServer, group: str) -> None:
    ended, viewer = site.run_session("Pattern")
    viewer.close()
    over(site, ended)
    session = site.row(ended).id
    eventually(lambda: Groups(group, mounted()).sessions() == set())
    site.kill()
    homes = Groups(group, mounted()).homes
    others = "00000000-0000-4000-8000-000000000000"
    for home in homes:
        (home.folder / session).mkdir()
        (home.folder / others).mkdir()
    site.start()
    # A group of a session that is not ours is another server's.
    eventually(lambda: Groups(group, mounted()).sessions() == {others})


def test_limits_that_cannot_be_kept_are_told_at_the_start(own_server: OwnServer) -> None:
    site = own_server(SESSIONS)
    step = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
    reason = "cannot be limited: REMOTE_SERVICE_CGROUP names no control group"
    assert f'at "Takes memory" {step} limits: found limits that are not kept: memory {reason}' in site.output
    assert f'at "Forks" {step} limits: found limits that are not kept: cpus and tasks {reason}' in site.output
    assert 'at "Pattern"' not in site.output
    site.run_session("Takes memory")
