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
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from remote_service import details
from remote_service.answers import Answer, Poll
from remote_service.hosting.script_context import ScriptContext
from remote_service.hosting.steps import Outcome
from remote_service.hosting.wire import Channel, Message
from remote_service.script import RemoteServiceScript

INTERRUPT_SIGNAL = signal.SIGRTMIN + 3
"""Sent by the runner to get a hung call back; scripts hardly ever use it for themselves."""

_LOG_TAIL = 8192
_MOST_TEXT = 100_000
"""Characters of a text that goes to the runner, which shows much less of it."""


class CallInterrupted(BaseException):
    """Raised inside a call that took too long; not an `Exception`, so that `except Exception` lets it through."""


class Worker:
    """Runs the calls of one service instance."""

    def __init__(self, service: RemoteServiceScript, channel: Channel, context: ScriptContext) -> None:
        self._service = service
        self._channel = channel
        self._context = context
        self._in_call = False
        self._pid = os.getpid()
        service._context = context
        signal.signal(INTERRUPT_SIGNAL, self._on_interrupt)

    def run(self, saved_state: dict[str, Any] | None) -> NoReturn:
        """Serves calls until the runner closes the channel; never returns."""
        if saved_state is not None:
            self._guarded(lambda: self._service.load_state(saved_state), "load_state")
        while (message := self._channel.receive()) is not None:
            signal.signal(INTERRUPT_SIGNAL, self._on_interrupt)
            outcome = self._perform(message)
            flush_output()
            self._channel.send({"done": {"kind": outcome.kind, "detail": outcome.detail, "value": outcome.value}})
        os._exit(0)

    def _perform(self, message: Message) -> Outcome:
        """The course's calls, by name."""
        arguments = message["arguments"]
        perform = {"validate": self._validate, "start": self._start, "poll": self._poll, "stop": self._stop}
        return perform[message["call"]](arguments)

    def _validate(self, arguments: dict[str, Any]) -> Outcome:
        outcome = self._guarded(
            lambda: [_sentence(self._service.validate_options(arguments["options"]))], "validate_options"
        )
        if outcome.kind == "done" and outcome.value[0]:
            return Outcome("refused", outcome.value[0])
        return outcome

    def _start(self, arguments: dict[str, Any]) -> Outcome:
        def start() -> None:
            # The token by position: scripts call it what they like.
            options, timestamp = arguments["options"], arguments["timestamp"]
            _demand_truth(self._service.start(arguments["token"], timestamp=timestamp, options=options))

        outcome = self._guarded(start, "start")
        self._guarded(lambda: self._context.save_state(self._service), "get_state")
        if outcome.kind != "done":
            self._guarded(self._show_log_files, "log_files")
        return outcome

    def _poll(self, arguments: dict[str, Any]) -> Outcome:
        self._context.has_listened = arguments["has_listened"]
        outcome = self._guarded(lambda: _checked(self._service.poll()), "poll")
        if outcome.kind != "done":
            return outcome
        progress = self._guarded(lambda: [_text(self._service.progress())], "progress")
        return Outcome("done", value=[*outcome.value, *(progress.value or [""])])

    def _stop(self, _arguments: dict[str, Any]) -> Outcome:
        outcome = self._guarded(lambda: _demand_truth(self._service.stop()), "stop")
        if outcome.kind != "done":
            self._guarded(lambda: self._context.log.warning("%s", outcome.detail), "log")
        return outcome

    def _guarded(self, function: Callable[[], list[str] | None], name: str) -> Outcome:
        """Makes a call of the script; nothing it raises gets further than this."""
        try:
            self._in_call = True
            try:
                value = function()
            finally:
                self._in_call = False
                self._leave_if_forked()
        except CallInterrupted as interrupt:
            # It may have come after the call and before the line that says so.
            self._in_call = False
            _print_exception(interrupt)
            return Outcome("interrupted", details.WAS_INTERRUPTED.filled(call=name))
        except _RubbishError as error:
            return Outcome(error.kind, details.RETURNED.filled(call=name, found=error))
        except SystemExit as error:
            return Outcome("exited", details.LEFT_BY_EXIT.filled(call=name, argument=_shown(error.code)))
        except BaseException as error:  # noqa: BLE001 (the script's own mistake, whatever it is, is the answer)
            _print_exception(error)
            return Outcome("raised", details.RAISED.filled(call=name, error=_one_line(error)))
        return Outcome("done", value=value or [])

    def _leave_if_forked(self) -> None:
        """A script that forks may forget to end its child, which must not go on as a second worker."""
        if os.getpid() == self._pid:
            return
        error = sys.exc_info()[1]
        status = 0 if error is None else 1
        if isinstance(error, SystemExit):
            status = error.code if isinstance(error.code, int) else int(bool(error.code))
        elif error is not None:
            _print_exception(error)
        flush_output()
        os._exit(status & 0xFF)

    def _on_interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self._in_call:
            raise CallInterrupted("the call took too long; this is where it was")

    def _show_log_files(self) -> None:
        """Copies the ends of the script's own log files into the session's log."""
        for path in [Path(path) for path in self._service.log_files()]:
            with suppress(OSError), path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - _LOG_TAIL))
                sys.stderr.write(f"-- the end of {path}:\n{file.read(_LOG_TAIL).decode(errors='replace')}\n")


class _RubbishError(Exception):
    """The script answered something false, or what cannot be an answer; the message says what it was."""

    def __init__(self, kind: str, found: str) -> None:
        super().__init__(found)
        self.kind = kind


def _demand_truth(value: object) -> None:
    if not value:
        raise _RubbishError("falsy", _shown(value))


def _sentence(value: object) -> str:
    if value and not isinstance(value, str):
        raise _RubbishError("raised", f"{_shown(value)}; expected a text or None")
    return _text(value)


def _text(value: object) -> str:
    return str(value)[:_MOST_TEXT] if value else ""


def _checked(poll: object) -> list[str]:
    if not isinstance(poll, Poll) or not isinstance(poll.answer, Answer):
        raise _RubbishError("raised", f"{_shown(poll)}; expected Poll.alive() or one of its siblings")
    return [poll.answer.value, _text(poll.reason)]


def _shown(value: object) -> str:
    try:
        return repr(value)[:_MOST_TEXT]
    except Exception as error:  # noqa: BLE001 (an object of the script that cannot even be shown)
        return f"<a {type(value).__name__} whose repr() raised {type(error).__name__}>"


def _one_line(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())[:_MOST_TEXT]
    except Exception:  # noqa: BLE001 (an exception of the script that cannot even be shown)
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _print_exception(error: BaseException) -> None:
    """Into the session's log, without our own two frames; the script may have closed or replaced its outputs."""
    with suppress(Exception):
        trace = traceback.TracebackException.from_exception(error)
        del trace.stack[:2]
        trace.print()


def flush_output() -> None:
    """What a script printed shall stand in the log before the next thing happens; it may have closed its outputs."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()


def script_logger() -> logging.Logger:
    """The logger behind `self.log`: every level, with the time, into the session's log."""
    logger = logging.Logger("session", logging.DEBUG)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    return logger
