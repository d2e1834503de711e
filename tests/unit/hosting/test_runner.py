"""The runner's loop in pieces, without a worker and without a clock; whole sessions are in integration."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from remote_service.endpoints import Endpoint
from remote_service.hosting import processes
from remote_service.hosting import runner as module
from remote_service.hosting.programs import Program
from remote_service.hosting.runner import ALONE_PATIENCE, LISTEN_CHECKS, MOST_TEXT, Runner, RunnerTask
from remote_service.hosting.status import Phase, StartFault, Status, StopOutcome
from remote_service.hosting.wire import Message, listen_on
from remote_service.script import RemoteServiceScript

START: Message = {
    "order": "start",
    "token": "secret-token",
    "timestamp": 1.5,
    "options": {"size": "1x1"},
    "timeout": 60,
}
ENDPOINT = Endpoint.tcp("localhost", 5901)


class FakeWorker:
    """Notes what the runner wants of its worker, and says what the test says."""

    def __init__(self) -> None:
        self.wanted: list[Any] = []
        self.says: list[Message] = []
        self.how: str | None = None

    def fork(self) -> None:
        self.wanted.append("fork")

    def end(self) -> None:
        self.wanted.append("end")

    def interrupt(self) -> None:
        self.wanted.append("interrupt")

    def call(self, call: str, arguments: dict[str, Any]) -> None:
        self.wanted.append(call)

    def take_in(self) -> None:
        self.wanted.append("take in")

    def heard(self) -> Iterator[Message]:
        while self.says:
            yield self.says.pop(0)

    def death(self, ended: Any) -> str | None:
        how, self.how = self.how, None
        return how


class Stage:
    """A runner that is not running: its clock stands still until the test moves it."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.listens = False
        self.looked: list[float] = []
        self.survivors: list[int] = []
        self.log_file = os.open(tmp_path / "log", os.O_RDWR | os.O_CREAT)
        self._listener = listen_on(tmp_path / "sock")
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(module, "listens", self._look)
        monkeypatch.setattr(processes, "end_processes", self._end)
        monkeypatch.setattr(processes, "reap", lambda: [])
        task = RunnerTask("a-session", RemoteServiceScript(), os.dup(self._listener.fileno()), self.log_file)
        self.runner = Runner(task)
        self.worker = FakeWorker()
        self.runner._worker = self.worker  # type: ignore[assignment]  # stands for the link to a real one

    def _look(self, endpoint: Endpoint) -> bool:
        self.looked.append(round(self.now - 1000.0, 6))
        return self.listens

    def _end(self, find: Callable[[], Any], *, patience: float) -> list[int]:
        find()
        return self.survivors

    @property
    def status(self) -> Status:
        return self.runner._course.status

    @property
    def logged(self) -> str:
        return os.pread(self.log_file, 10_000, 0).decode()

    def says(self, *messages: Message) -> None:
        self.worker.says += messages
        self.runner._hear_worker()

    def done(self, kind: str = "done", detail: str = "", value: list[str] | None = None) -> Message:
        return {"done": {"kind": kind, "detail": detail, "value": value or []}}

    def prints(self, text: bytes) -> None:
        os.write(self.runner._output.write, text)
        self.runner._read_output()

    def close(self) -> None:
        for selected in list(self.runner._selector.get_map().values()):
            if isinstance(selected.fileobj, socket.socket):
                selected.fileobj.close()
        self.runner._selector.close()
        for descriptor in (*self.runner._output, self.log_file):
            os.close(descriptor)
        self._listener.close()


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    made = Stage(tmp_path, monkeypatch)
    yield made
    made.close()


def waiting(stage: Stage) -> None:
    """Plays until the endpoint is waited for."""
    stage.runner._obey(START)
    stage.says(stage.done(), {"endpoint": ENDPOINT.as_dict(), "password": None}, stage.done())
    assert stage.status.phase is Phase.WAITING


def test_orders_become_commands(stage: Stage) -> None:
    stage.runner._obey(START)
    assert (stage.worker.wanted, stage.status.phase) == (["validate"], Phase.STARTING)
    stage.says(stage.done())
    stage.runner._obey({"order": "stop", "timeout": 5})
    stage.says(stage.done("interrupted"))
    assert stage.worker.wanted == ["validate", "start", "interrupt", "stop"]
    stage.says(stage.done())
    assert stage.worker.wanted[4:] == ["end"]
    assert (stage.status.phase, stage.status.stop) == (Phase.OVER, StopOutcome.DONE)


@pytest.mark.parametrize("message", [{}, {"order": "dance"}, {"other": 1}])
def test_an_order_that_is_unknown_changes_nothing(stage: Stage, message: Message) -> None:
    before = stage.status
    stage.runner._obey(message)
    assert (stage.status, stage.worker.wanted) == (before, [])


@pytest.mark.parametrize("endpoint", [None, ENDPOINT])
def test_a_recovered_session_gets_a_worker_with_its_state(stage: Stage, endpoint: Endpoint | None) -> None:
    programs = [[4711, 99, "Xtigervnc"]]
    order = {"order": "recover", "state": {"x": 1}, "endpoint": endpoint and endpoint.as_dict(), "programs": programs}
    stage.runner._obey(order)
    assert stage.worker.wanted == ["end", "fork"]
    assert (stage.status.state, stage.status.endpoint) == ({"x": 1}, endpoint)
    assert stage.status.programs == (Program(4711, 99, "Xtigervnc"),)


def test_the_token_is_masked_from_the_start_on(stage: Stage) -> None:
    stage.runner._obey(START)
    stage.prints(b"the token is secret-token\n")
    assert stage.logged == "the token is ********\n"


def test_output_is_taken_in_before_it_is_written(stage: Stage) -> None:
    """A script tells a secret before it prints it; it must be known by then."""
    stage.prints(b"some output\n")
    assert stage.worker.wanted == ["take in"]


def test_a_flood_is_taken_in_helpings(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 4)
    monkeypatch.setattr(module, "_MOST_CHUNKS", 2)
    stage.prints(b"0123456789")
    assert stage.logged == "01234567"
    stage.runner._read_output()
    assert stage.logged == "0123456789"


def test_texts_of_the_script_are_made_fit_for_a_page(stage: Stage) -> None:
    stage.runner._obey(START)
    stage.says(stage.done(), stage.done("raised", "secret-token \x1b[31m" + "x" * 5000))
    assert stage.status.detail == ("******** \\u001b[31m" + "x" * 5000)[:MOST_TEXT]
    assert stage.status.fault is StartFault.RAISED


def test_a_poll_s_texts_are_masked_too(stage: Stage) -> None:
    waiting(stage)
    stage.now += 1.0
    stage.runner._carry_out(stage.runner._course.tick(stage.now))
    stage.says(stage.done(value=["pending", "secret-token waits", "secret-token 2 of 3"]))
    assert (stage.status.poll.reason, stage.status.progress) == ("******** waits", "******** 2 of 3")


def test_what_the_worker_saves_is_kept(stage: Stage) -> None:
    stage.says({"state": {"display": 3}}, {"scratch": "/tmp/x"}, {"secret": "known before"})
    assert stage.status.state == {"display": 3}
    assert stage.runner._scratch == Path("/tmp/x")


def test_a_death_is_noted_after_the_last_output(stage: Stage) -> None:
    stage.runner._obey(START)
    stage.says(stage.done())
    os.write(stage.runner._output.write, b"the last words\n")
    stage.worker.how = "exit status 3"
    stage.runner._notice_death()
    assert stage.logged == "the last words\n-- the script's process has ended: exit status 3\n"
    assert stage.status.fault is StartFault.DIED
    stage.runner._notice_death()
    assert stage.worker.wanted.count("fork") == 1


def test_the_listening_socket_is_looked_for_less_and_less_often(stage: Stage) -> None:
    waiting(stage)
    while len(stage.looked) < 10:
        stage.runner._look_for_listener()
        patience = stage.runner._patience()
        assert patience <= LISTEN_CHECKS[1]
        stage.now += max(patience, 0.001)
    gaps = [round(later - earlier, 3) for earlier, later in zip(stage.looked, stage.looked[1:], strict=False)]
    assert gaps == [0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.25, 0.25, 0.25]
    stage.listens = True
    stage.now += 0.25
    stage.runner._look_for_listener()
    assert stage.status.phase is Phase.READY
    stage.now += 10.0
    stage.runner._look_for_listener()
    assert len(stage.looked) == 11


def test_survivors_and_a_directory_that_stays_are_noted_and_reported(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.survivors = [7, 8]
    monkeypatch.setattr(module, "remove_tree", lambda path: False)
    stage.says({"scratch": "/tmp/x"})
    stage.runner._obey({"order": "stop", "timeout": 1})
    assert stage.status.survivors == (7, 8)
    assert stage.logged == (
        "-- these processes could not be ended: 7, 8\n-- the scratch directory /tmp/x could not be removed\n"
    )


def test_it_is_finished_when_it_is_over_and_dismissed_or_alone_for_long(stage: Stage) -> None:
    assert not stage.runner._finished()
    stage.runner._obey({"order": "dismiss"})
    assert not stage.runner._finished(), "a session that is not over is not left"
    stage.runner._obey({"order": "stop", "timeout": 1})
    assert stage.runner._finished()


def test_it_does_not_wait_for_ever_for_a_supervisor(stage: Stage) -> None:
    stage.runner._obey({"order": "stop", "timeout": 1})
    assert not stage.runner._finished()
    stage.now += ALONE_PATIENCE
    assert not stage.runner._finished()
    stage.now += 0.1
    assert stage.runner._finished()
