"""The process that runs a session's calls: `start`, `poll`, `stop` and the hooks, one after the other.

A fork of the session's runner, which it hears and answers over one socket. It may end at any moment, by the script's
doing or the runner's: the runner then forks another one, which gets the last saved state.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from remote_service.answers import Poll
from remote_service.hosting.course import Outcome
from remote_service.hosting.script_context import ScriptContext
from remote_service.hosting.wire import Channel, Message
from remote_service.script import RemoteServiceScript

INTERRUPT_SIGNAL = signal.SIGRTMIN + 3
"""Sent by the runner to get a hung call back; scripts hardly ever use it for themselves."""

_LOG_TAIL = 8192


class CallInterrupted(BaseException):
    """Raised inside a call that took too long; not an `Exception`, so that `except Exception` lets it through."""


class Worker:
    """Runs the calls of one service instance."""

    def __init__(self, service: RemoteServiceScript, channel: Channel, context: ScriptContext) -> None:
        self._service = service
        self._channel = channel
        self._context = context
        self._in_call = False
        service._context = context
        signal.signal(INTERRUPT_SIGNAL, self._on_interrupt)

    def run(self, saved_state: dict[str, Any] | None) -> NoReturn:
        """Serves calls until the runner closes the channel; never returns."""
        if saved_state is not None:
            self._guarded(lambda: self._service.load_state(saved_state), "load_state")
        while (message := self._channel.receive()) is not None:
            signal.signal(INTERRUPT_SIGNAL, self._on_interrupt)
            outcome = self._perform(message)
            _flush_output()
            self._channel.send({"done": {"kind": outcome.kind, "detail": outcome.detail, "value": outcome.value}})
        os._exit(0)

    def _perform(self, message: Message) -> Outcome:
        call, arguments = message["call"], message["arguments"]
        if call == "start":
            return self._start(arguments)
        if call == "stop":
            return self._guarded(lambda: self._service.stop(), "stop")
        self._context.has_listened = arguments["has_listened"]
        return self._poll()

    def _start(self, arguments: dict[str, Any]) -> Outcome:
        options = arguments["options"]
        checked = self._guarded(lambda: {"refusal": self._service.validate_options(options)}, "validate_options")
        if checked.kind != "done":
            return Outcome("refused", checked.detail)
        if checked.value["refusal"]:
            return Outcome("refused", str(checked.value["refusal"]))
        outcome = self._guarded(
            lambda: self._service.start(arguments["token"], timestamp=arguments["timestamp"], options=options), "start"
        )
        self._context.save_state(self._service)
        if outcome.kind != "done":
            self._show_log_files()
        return Outcome(outcome.kind, outcome.detail)

    def _poll(self) -> Outcome:
        outcome = self._guarded(lambda: (self._service.poll(), self._service.progress()), "poll")
        if outcome.kind != "done":
            return outcome
        poll, progress = outcome.value
        if not isinstance(poll, Poll):
            return Outcome("raised", f"poll() returned {poll!r}; expected Poll.alive() or one of its siblings.")
        return Outcome("done", value=[poll.answer.value, poll.reason, str(progress or "")])

    def _guarded(self, function: Callable[[], Any], name: str) -> Outcome:
        """Makes a call of the script; nothing it raises gets further than this."""
        try:
            with self._interruptible():
                value = function()
        except CallInterrupted:
            return Outcome("interrupted", f"{name}() was interrupted.")
        except SystemExit as error:
            return Outcome("exited", f"{name}() left by sys.exit({error.code!r}).")
        except BaseException as error:  # noqa: BLE001 (the script's own mistake, whatever it is, is the answer)
            frames = error.__traceback__.tb_next if error.__traceback__ else None
            traceback.print_exception(type(error), error, frames.tb_next if frames else None)
            return Outcome("raised", f"{name}() raised {_one_line(error)}.")
        if not value and name in ("start", "stop"):
            return Outcome("falsy", repr(value))
        return Outcome("done", value=value)

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        self._in_call = True
        try:
            yield
        finally:
            self._in_call = False

    def _on_interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self._in_call:
            raise CallInterrupted

    def _show_log_files(self) -> None:
        """Copies the ends of the script's own log files into the session's log."""
        listed = self._guarded(lambda: [Path(path) for path in self._service.log_files()], "log_files")
        for path in listed.value or []:
            with suppress(OSError), path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - _LOG_TAIL))
                sys.stderr.write(f"-- the end of {path}:\n{file.read(_LOG_TAIL).decode(errors='replace')}\n")


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _flush_output() -> None:
    """What a script printed shall stand in the log before the next thing happens; it may have closed its outputs."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()


def script_logger() -> logging.Logger:
    """The logger behind `self.log`: every level, with the time, into the session's log."""
    logger = logging.Logger("session", logging.DEBUG)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    return logger
