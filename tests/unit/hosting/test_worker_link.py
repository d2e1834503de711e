"""The runner's side of its worker, without a worker; real ones are in tests/integration/hosting."""

from __future__ import annotations

import os
import selectors
import signal
import socket
from collections.abc import Iterator
from typing import NoReturn

import pytest

from remote_service.hosting import processes, worker_link
from remote_service.hosting.session_log import SessionLog
from remote_service.hosting.wire import Channel
from remote_service.hosting.worker import INTERRUPT_SIGNAL
from remote_service.hosting.worker_link import WorkerLink

PID = 4711


class Stage:
    """A link whose worker is the test: forking gives a pid, and signals are noted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.selector = selectors.DefaultSelector()
        self.log_file = os.memfd_create("log", os.MFD_CLOEXEC)
        self.log = SessionLog(self.log_file)
        self.link = WorkerLink(self.selector, self.log, self._become)
        self.signals: list[tuple[int, int]] = []
        self.fork_error: OSError | None = None
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._socketpair = socket.socketpair
        monkeypatch.setattr(os, "fork", self._fork)
        monkeypatch.setattr(os, "kill", lambda pid, number: self.signals.append((pid, number)))
        monkeypatch.setattr(socket, "socketpair", self._pair)

    @property
    def worker(self) -> Channel:
        """The worker's end of the line."""
        return Channel(self._pairs[-1][1])

    @property
    def logged(self) -> str:
        return os.pread(self.log_file, 10_000, 0).decode()

    def _pair(self) -> tuple[socket.socket, socket.socket]:
        ours, theirs = self._socketpair()
        # The link closes its copy of the worker's end, as it must after a fork.
        self._pairs.append((ours, theirs.dup()))
        return ours, theirs

    def _fork(self) -> int:
        if self.fork_error is not None:
            raise self.fork_error
        return PID

    def _become(self, sock: socket.socket) -> NoReturn:
        raise AssertionError("no fork of the test becomes a worker")

    def close(self) -> None:
        for ours, theirs in self._pairs:
            ours.close()
            theirs.close()
        self.selector.close()
        os.close(self.log_file)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    made = Stage(monkeypatch)
    yield made
    made.close()


def test_a_call_is_sent_whole(stage: Stage) -> None:
    stage.link.fork()
    stage.link.call("start", {"token": "t"})
    assert stage.worker.receive() == {"call": "start", "arguments": {"token": "t"}}


def test_what_the_worker_says_is_heard_in_order(stage: Stage) -> None:
    stage.link.fork()
    stage.worker.send({"scratch": "/tmp/x"})
    stage.worker.send({"done": {}})
    for key, _events in stage.selector.select(1.0):
        key.data()
    assert list(stage.link.heard()) == [{"scratch": "/tmp/x"}, {"done": {}}]
    assert list(stage.link.heard()) == []


@pytest.mark.parametrize("message", [{"secret": "pa55word"}, {"endpoint": {}, "password": "pa55word"}])
def test_secrets_count_before_anything_is_heard(stage: Stage, message: dict[str, object]) -> None:
    stage.link.fork()
    stage.worker.send(message)
    stage.link.take_in()
    assert stage.log.masked("is pa55word") == "is ********"


def test_without_a_worker_nothing_is_sent_heard_or_signalled(stage: Stage) -> None:
    stage.link.call("start", {})
    stage.link.take_in()
    stage.link.interrupt()
    stage.link.end()
    assert (list(stage.link.heard()), stage.signals, stage.link.death([(1, 0)])) == ([], [], None)


def test_the_interrupt_goes_to_the_worker_alone(stage: Stage) -> None:
    stage.link.fork()
    stage.link.interrupt()
    assert stage.signals == [(PID, INTERRUPT_SIGNAL)]


def test_a_worker_that_takes_nothing_in_does_not_hold_up_the_runner(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_link, "SEND_PATIENCE", 0.05)
    stage.link.fork()
    stage.link.call("start", {"options": {"large": "x" * 3_000_000}})
    stage.link.take_in()


def test_a_worker_that_closed_its_end_is_not_listened_to_any_more(stage: Stage) -> None:
    stage.link.fork()
    stage.worker.close()
    stage.link.take_in()
    assert len(stage.selector.get_map()) == 0
    assert stage.signals == []


def test_a_worker_that_sends_rubbish_is_killed_and_noted(stage: Stage) -> None:
    stage.link.fork()
    stage.worker.sock.sendall(b"[]\n")
    stage.link.take_in()
    assert stage.signals == [(PID, signal.SIGKILL)]
    assert stage.logged == (
        "-- the script's process sent what cannot be read, and is ended: "
        "a line that holds a list; expected one JSON object a line\n"
    )


@pytest.mark.parametrize(("status", "how"), [(3 << 8, "exit status 3"), (9, "killed by SIGKILL")])
def test_a_death_says_how_and_what_was_said_before_counts(stage: Stage, status: int, how: str) -> None:
    stage.link.fork()
    stage.worker.send({"state": {"large": "x" * 150_000}})
    stage.worker.send({"done": {}})
    stage.worker.close()
    assert stage.link.death([(1, 0), (PID, status)]) == how
    assert [list(message) for message in stage.link.heard()] == [["state"], ["done"]]
    assert stage.link.death([(PID, status)]) is None
    stage.link.interrupt()
    assert stage.signals == [], "the pid may be another process's by now"


def test_the_death_of_another_child_is_not_the_worker_s(stage: Stage) -> None:
    stage.link.fork()
    assert stage.link.death([(1, 0), (2, 9)]) is None


def test_a_fork_that_fails_is_a_death(stage: Stage) -> None:
    stage.fork_error = OSError(11, "Resource temporarily unavailable")
    stage.link.fork()
    assert stage.link.death([]) == "fork failed: Resource temporarily unavailable"
    assert stage.link.death([]) is None
    stage.fork_error = None
    stage.link.fork()
    stage.link.interrupt()
    assert stage.signals == [(PID, INTERRUPT_SIGNAL)]


@pytest.mark.parametrize("leaves", [True, False])
def test_ending_it_kills_only_one_that_does_not_leave(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, leaves: bool
) -> None:
    waited: list[int] = []
    monkeypatch.setattr(os, "pidfd_open", lambda pid: os.dup(stage.log_file))
    monkeypatch.setattr(os, "waitpid", lambda pid, options: waited.append(pid))
    monkeypatch.setattr(processes, "wait_for_one", lambda held, seconds: leaves)
    stage.link.fork()
    stage.worker.send({"scratch": "/tmp/x"})
    stage.worker.send({"done": {}})
    stage.link.end()
    assert stage.signals == ([] if leaves else [(PID, signal.SIGKILL)])
    assert waited == [PID]
    assert list(stage.link.heard()) == [{"scratch": "/tmp/x"}], "how its call ended counts no more"
    assert stage.worker.receive() is None
