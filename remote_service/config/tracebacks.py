"""A script's own traceback, without the frames of the framework and of Python's import (stdlib only)."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

MAX_TRACEBACK = 16_000
"""Characters of a traceback that are kept: a quarter from its head, the rest from its tail."""

MAX_LINE = 200
"""Characters of what is said on one line."""

_FRAMEWORK = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def own_traceback(exc: BaseException, script_path: Path) -> str:
    """The traceback as Python prints it, from the script's first frame on, without frames of the framework.

    The same is done to the exceptions that led to it and to the members of a group. When no frame is the
    script's (a syntax error in it, a call with arguments that it does not take), the exception's own lines
    are left.
    """
    summary = traceback.TracebackException.from_exception(exc)
    waiting: list[traceback.TracebackException | None] = [summary]
    while waiting:
        one = waiting.pop()
        if one is not None:
            one.stack[:] = _own_frames(one.stack, script_path)
            waiting += [one.__cause__, one.__context__, *(one.exceptions or ())]
    text = "".join(summary.format())
    if len(text) > MAX_TRACEBACK:
        text = f"{text[: MAX_TRACEBACK // 4]}\n…\n{text[-MAX_TRACEBACK * 3 // 4 :]}"
    return text


def own_line(exc: BaseException, script_path: Path) -> int | None:
    """The line of the script that raised it, or called what did; of a syntax error in it, the faulty line."""
    if isinstance(exc, SyntaxError) and exc.filename and _is_script(exc.filename, script_path):
        return exc.lineno
    lines = [
        line
        for frame, line in traceback.walk_tb(exc.__traceback__)
        if _is_script(frame.f_code.co_filename, script_path)
    ]
    return lines[-1] if lines else None


def one_line(exc: BaseException) -> str:
    """Type and message on one line of at most `MAX_LINE` characters; safe when the `__str__` raises."""
    summary = traceback.TracebackException(type(exc), exc, None)
    summary.__notes__ = None  # they would follow the message
    text = " ".join(list(summary.format_exception_only())[-1].split())
    return text if len(text) <= MAX_LINE else text[: MAX_LINE - 1] + "…"


def exit_argument(exc: SystemExit) -> str:
    """What `sys.exit` was given, as Python writes it; of an object of the script's own only the type."""
    code = exc.code
    if code is None or type(code) is str or (type(code) is int and abs(code) < 2**64):
        return repr(code)[:MAX_LINE]
    return f"an object of the type {type(code).__name__}"


def _own_frames(stack: traceback.StackSummary, script_path: Path) -> list[traceback.FrameSummary]:
    first = next((at for at, frame in enumerate(stack) if _is_script(frame.filename, script_path)), 0)
    return [frame for frame in stack[first:] if not _is_machinery(frame.filename)]


def _is_script(filename: str, script_path: Path) -> bool:
    return os.path.realpath(filename) == os.path.realpath(script_path)


def _is_machinery(filename: str) -> bool:
    return filename.startswith((_FRAMEWORK, "<frozen "))
