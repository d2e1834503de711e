"""The process of a script's calls, played in the test's own; what needs a process of its own is in integration."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from remote_service.answers import Poll
from remote_service.hosting import worker
from remote_service.hosting.script_context import ScriptContext
from remote_service.hosting.wire import Channel, Message
from remote_service.hosting.worker import INTERRUPT_SIGNAL, CallInterrupted, Worker, flush_output, script_logger
from remote_service.script import RemoteServiceScript

START: Message = {"call": "start", "arguments": {"token": "t", "timestamp": 1.5, "options": {"size": "800x600"}}}
VALIDATE: Message = {"call": "validate", "arguments": {"options": {"size": "800x600"}}}
POLL: Message = {"call": "poll", "arguments": {"has_listened": True}}
STOP: Message = {"call": "stop", "arguments": {}}


class LeftError(Exception):
    """Stands for the end of the process."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Service(RemoteServiceScript):
    """Notes its calls; what they do is set by the test."""

    def __init__(self) -> None:
        super().__init__("A type")
        self.noted: list[Any] = []
        self.does: dict[str, Callable[[], Any]] = {}

    def _do(self, call: str, usual: Any) -> Any:
        return self.does.get(call, lambda: usual)()

    def validate_options(self, options: dict[str, Any]) -> str | None:
        self.noted.append(("validate_options", options))
        answer: str | None = self._do("validate_options", None)
        return answer

    def start(
        self, called_otherwise: str, timestamp: float | None = None, options: dict[str, Any] | None = None
    ) -> Any:
        self.noted.append(("start", called_otherwise, timestamp, options))
        return self._do("start", True)

    def stop(self) -> Any:
        self.noted.append(("stop",))
        return self._do("stop", True)

    def poll(self) -> Poll:
        answer: Poll = self._do("poll", Poll.alive())
        return answer

    def progress(self) -> str:
        answer: str = self._do("progress", "")
        return answer

    def get_state(self) -> dict[str, Any]:
        state: dict[str, Any] = self._do("get_state", {"display": 3})
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        self.noted.append(("load_state", state))
        self._do("load_state", None)

    def log_files(self) -> list[Path]:
        files: list[Path] = self._do("log_files", [])
        return files


class Stage:
    """A worker whose runner is the test."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self.runner = Channel(ours)
        self.service = Service()
        channel = Channel(theirs)
        self.context = ScriptContext("a-session", channel, script_logger(), None)
        self.worker = Worker(self.service, channel, self.context)
        self._theirs = channel

    def plays(self, *messages: Message, state: dict[str, Any] | None = None) -> list[Message]:
        """Sends calls, hangs up, and returns what the worker said until it left."""
        for message in messages:
            self.runner.send(message)
        self.runner.sock.shutdown(socket.SHUT_WR)
        with pytest.raises(LeftError) as left:
            self.worker.run(state)
        assert left.value.status == 0
        self._theirs.close()
        said = []
        while (message_back := self.runner.receive()) is not None:
            said.append(message_back)
        return said

    def outcome(self, message: Message) -> tuple[str, str, list[str]]:
        """How one call ends: kind, detail, value."""
        (done,) = [said["done"] for said in self.plays(message) if "done" in said]
        return done["kind"], done["detail"], done["value"]

    def close(self) -> None:
        self.runner.close()
        self._theirs.close()


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    def leave(status: int) -> NoReturn:
        raise LeftError(status)

    monkeypatch.setattr(os, "_exit", leave)
    before = signal.getsignal(INTERRUPT_SIGNAL)
    made = Stage()
    yield made
    made.close()
    signal.signal(INTERRUPT_SIGNAL, before)


def raising(error: BaseException) -> Callable[[], NoReturn]:
    def do() -> NoReturn:
        raise error

    return do


def test_the_calls_are_made_in_order_with_their_arguments(stage: Stage) -> None:
    said = stage.plays(VALIDATE, START, POLL, STOP)
    assert stage.service.noted == [
        ("validate_options", {"size": "800x600"}),
        ("start", "t", 1.5, {"size": "800x600"}),
        ("stop",),
    ]
    assert [message["done"]["kind"] for message in said if "done" in message] == ["done"] * 4
    assert stage.context.has_listened is True
    assert stage.service._context is stage.context


def test_the_state_is_saved_after_a_start_and_loaded_before_anything_else(stage: Stage) -> None:
    said = stage.plays(START, state={"display": 7})
    assert stage.service.noted[0] == ("load_state", {"display": 7})
    assert said[0] == {"state": {"display": 3}} and "done" in said[1]


def test_without_a_saved_state_none_is_loaded(stage: Stage) -> None:
    stage.plays(STOP)
    assert stage.service.noted == [("stop",)]


def test_a_state_that_cannot_be_loaded_does_not_keep_the_calls_from_being_made(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.service.does["load_state"] = raising(ValueError("old format"))
    (said,) = stage.plays(STOP, state={})
    assert said["done"]["kind"] == "done"
    assert "ValueError: old format" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("does", "expected"),
    [
        (lambda: None, ("done", "", [""])),
        (lambda: "", ("done", "", [""])),
        (lambda: "No more than 8 cores.", ("refused", "No more than 8 cores.", [])),
        (lambda: 17, ("raised", "validate_options() returned 17; expected a text or None.", [])),
        (raising(KeyError("cores")), ("raised", "validate_options() raised KeyError: 'cores'.", [])),
    ],
)
def test_the_options_are_judged(stage: Stage, does: Callable[[], Any], expected: tuple[str, str, list[str]]) -> None:
    stage.service.does["validate_options"] = does
    assert stage.outcome(VALIDATE) == expected


@pytest.mark.parametrize("call", ["start", "stop"])
@pytest.mark.parametrize(
    ("does", "kind", "detail"),
    [
        (lambda: True, "done", ""),
        (object, "done", ""),
        (lambda: None, "falsy", "{}() returned None."),
        (lambda: False, "falsy", "{}() returned False."),
        (raising(OSError("no\n space")), "raised", "{}() raised OSError: no space."),
        (raising(ValueError()), "raised", "{}() raised ValueError."),
        (raising(SystemExit(3)), "exited", "{}() left by sys.exit(3)."),
        (raising(KeyboardInterrupt()), "raised", "{}() raised KeyboardInterrupt."),
        (raising(CallInterrupted()), "interrupted", "{}() was interrupted."),
    ],
)
def test_a_call_ends_in_one_of_five_ways(
    stage: Stage, call: str, does: Callable[[], Any], kind: str, detail: str
) -> None:
    stage.service.does[call] = does
    assert stage.outcome(START if call == "start" else STOP) == (kind, detail.format(call), [])


@pytest.mark.parametrize(
    ("does", "expected"),
    [
        (Poll.alive, ("done", "", ["alive", "", "2 of 3"])),
        (lambda: Poll.ended("It went."), ("done", "", ["ended", "It went.", "2 of 3"])),
        (lambda: 5, ("raised", "poll() returned 5; expected Poll.alive() or one of its siblings.", [])),
        (raising(OSError("gone")), ("raised", "poll() raised OSError: gone.", [])),
    ],
)
def test_a_poll_is_checked_and_told_with_the_progress(
    stage: Stage, does: Callable[[], Any], expected: tuple[str, str, list[str]]
) -> None:
    stage.service.does |= {"poll": does, "progress": lambda: "2 of 3"}
    assert stage.outcome(POLL) == expected


@pytest.mark.parametrize("does", [lambda: None, raising(OSError("no progress"))])
def test_a_poll_does_without_a_progress(stage: Stage, does: Callable[[], Any]) -> None:
    stage.service.does["progress"] = does
    assert stage.outcome(POLL) == ("done", "", ["alive", "", ""])


def test_texts_are_cut_before_they_are_sent(stage: Stage) -> None:
    stage.service.does["start"] = raising(ValueError("x" * 1_000_000))
    _kind, detail, _value = stage.outcome(START)
    assert len(detail) < 101_000


def test_a_failed_start_shows_the_ends_of_the_script_s_own_log_files(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long, missing = tmp_path / "own.log", tmp_path / "missing.log"
    long.write_bytes(b"early\n" + b"x" * 9000 + b"\nlate \xff\n")
    stage.service.does |= {"start": lambda: False, "log_files": lambda: [long, missing]}
    stage.plays(START)
    shown = capsys.readouterr().err
    assert f"-- the end of {long}:\n" in shown and "late \ufffd\n" in shown
    assert "early" not in shown and "missing" not in shown


def test_a_start_that_went_well_shows_no_log_files(stage: Stage) -> None:
    stage.service.does["log_files"] = raising(AssertionError("nobody asked for them"))
    assert stage.outcome(START)[0] == "done"


def test_a_traceback_goes_into_the_log_without_our_own_frames(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.service.does["start"] = raising(ValueError("inside"))
    stage.plays(START)
    shown = capsys.readouterr().err
    assert "ValueError: inside" in shown and "/hosting/worker.py" not in shown
    assert "in start" in shown


def test_a_failed_stop_is_noted_in_the_log(monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
    noted: list[str] = []
    monkeypatch.setattr(stage.context.log, "warning", lambda text, *arguments: noted.append(text % arguments))
    stage.service.does["stop"] = lambda: None
    stage.plays(STOP)
    assert noted == ["stop() returned None."]


def test_the_interrupt_raises_inside_a_call(stage: Stage) -> None:
    stage.service.does["start"] = lambda: os.kill(os.getpid(), INTERRUPT_SIGNAL)
    assert stage.outcome(START) == ("interrupted", "start() was interrupted.", [])


def test_the_interrupt_outside_of_a_call_does_nothing(stage: Stage) -> None:
    os.kill(os.getpid(), INTERRUPT_SIGNAL)
    assert stage.outcome(STOP)[0] == "done"


def test_a_handler_of_the_script_s_is_replaced_before_the_next_call(stage: Stage) -> None:
    stage.service.does |= {
        "start": lambda: signal.signal(INTERRUPT_SIGNAL, signal.SIG_IGN) is not None,
        "stop": lambda: os.kill(os.getpid(), INTERRUPT_SIGNAL),
    }
    kinds = [said["done"]["kind"] for said in stage.plays(START, STOP) if "done" in said]
    assert kinds == ["done", "interrupted"]


def test_outputs_that_cannot_be_flushed_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def flush(self) -> None:
            raise RuntimeError("of the script's own making")

    monkeypatch.setattr(sys, "stdout", Broken())
    monkeypatch.setattr(sys, "stderr", None)
    flush_output()


def test_the_script_s_logger_writes_every_level_with_the_time(capsys: pytest.CaptureFixture[str]) -> None:
    logger = script_logger()
    logger.debug("a %s", "detail")
    level, text = capsys.readouterr().err.rstrip("\n").split(" ", 2)[2].split(" ", 1)
    assert (level, text) == ("DEBUG", "a detail")


def test_the_interrupt_is_a_signal_that_programs_hardly_use() -> None:
    assert INTERRUPT_SIGNAL == signal.SIGRTMIN + 3
    assert not issubclass(worker.CallInterrupted, Exception), "`except Exception` must let it through"
