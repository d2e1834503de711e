"""What is left of a session whose runner is gone: names and paths; the rest is in tests/integration/hosting."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from remote_service import leftovers
from remote_service.endpoints import Endpoint
from remote_service.hosting import processes
from remote_service.hosting.client import RunnerLink
from remote_service.hosting.processes import Process
from remote_service.hosting.programs import Program
from remote_service.hosting.scratch import make_scratch
from remote_service.leftovers import (
    Successor,
    ask_runner_to_end,
    end_marked,
    end_without_runner,
    sessions_with_sockets,
    socket_path,
)

SESSION = "12345678-9abc-4def-8123-456789abcdef"


def test_a_runner_s_socket_is_named_by_its_session(tmp_path: Path) -> None:
    path = socket_path(tmp_path, SESSION)
    assert path == tmp_path / "123456789abc4def8123456789abcdef.sock"
    path.touch()
    assert sessions_with_sockets(tmp_path) == [SESSION]


def test_other_files_beside_the_sockets_are_no_sessions(tmp_path: Path) -> None:
    for name in ("gateway.sock", "123456789abc4def8123456789abcdef.txt", "server.pid"):
        (tmp_path / name).touch()
    assert sessions_with_sockets(tmp_path) == []


async def test_without_a_socket_there_is_no_runner(tmp_path: Path) -> None:
    assert await ask_runner_to_end(tmp_path, SESSION, 7) is None


async def test_a_stale_socket_is_no_runner_and_is_removed(tmp_path: Path) -> None:
    socket_path(tmp_path, SESSION).touch()
    assert await ask_runner_to_end(tmp_path, SESSION, 7) is None
    assert await end_without_runner(tmp_path, SESSION) == []
    assert not socket_path(tmp_path, SESSION).exists()


async def test_a_runner_that_leaves_while_it_is_asked_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Leaving:
        status = None

        async def follow(self, on_status: object) -> None:
            pass

        async def order(self, order: str, **arguments: object) -> None:
            raise BrokenPipeError(32, "Broken pipe")

        async def close(self) -> None:
            pass

    async def connect(session: str, path: Path, epoch: int) -> Leaving:
        assert epoch == 7
        return Leaving()

    monkeypatch.setattr(RunnerLink, "connect", connect)
    assert await ask_runner_to_end(tmp_path, SESSION, 7) is None
    assert caplog.messages == [f"session {SESSION}: its runner hung up: [Errno 32] Broken pipe"]


@pytest.mark.parametrize("endpoint", [None, Endpoint.tcp("localhost", 5901)])
def test_a_successor_is_told_what_its_predecessor_knew(endpoint: Endpoint | None) -> None:
    assert Successor({"display": 3}, endpoint, (Program(4711, 99, "Xtigervnc"),)).as_order() == {
        "state": {"display": 3},
        "endpoint": endpoint and endpoint.as_dict(),
        "programs": [[4711, 99, "Xtigervnc"]],
    }


def test_what_carries_the_marker_is_ended_and_what_changed_hands_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Process(pid=4711, parent=1, state="S", start_time=1)
    asked: dict[str, object] = {}

    def end(find: Callable[[], Iterable[Process]], *, patience: float, still: Callable[[Process], bool]) -> list[int]:
        asked.update(patience=patience, found=list(find()), still=still(seen))
        return [4711]

    monkeypatch.setattr(processes, "marked", lambda session: [seen] if session == SESSION else [])
    monkeypatch.setattr(processes, "carries_marker", lambda pid, session: (pid, session) != (4711, SESSION))
    monkeypatch.setattr(processes, "end_processes", end)
    assert end_marked(SESSION) == [4711]
    assert asked == {"patience": leftovers.TERM_PATIENCE, "found": [seen], "still": False}


def test_the_scratch_directory_of_the_session_is_removed_and_no_other() -> None:
    mine, another = str(uuid.uuid4()), str(uuid.uuid4())
    left, kept = make_scratch(mine), make_scratch(another)
    try:
        assert end_marked(mine) == []
        assert not left.exists() and kept.exists()
    finally:
        kept.rmdir()
