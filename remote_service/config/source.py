"""Reads a sessions file: its data, the line of each part, and what is wrong with it as a file or as JSON."""

from __future__ import annotations

import json
import math
import shlex
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from remote_service.config.json_faults import fault_of, position
from remote_service.config.locator import MAX_DEPTH, Located, Oddity, locate
from remote_service.config.problems import Code, KeyPath, Problem
from remote_service.config.words import as_json, shortened, shown

MAX_FILE_SIZE = 4 * 1024 * 1024
"""Bytes. A sessions file has a few kilobytes; what is larger is another file, and is not read."""

_SAMPLE = '{"Desktop": {"script": "desktop_session.py", "count": 2, "options": {}}}'
_EXPECTED_OBJECT = f"an object with one member per session type, such as {_SAMPLE}"


@dataclass(frozen=True, slots=True)
class Source:
    """What a sessions file holds."""

    path: Path
    """Absolute."""
    data: Mapping[str, Any]
    """The top-level object, without the entries that hold text which is not Unicode. Empty when the file is
    unusable."""
    problems: tuple[Problem, ...]
    _located: Located = field(default_factory=Located, repr=False)

    def line_of(self, path: KeyPath) -> int | None:
        """The line of an entry (`(name,)`), of something in it, or of the nearest part around that exists."""
        return self._located.line_of(path)


def read_source(path: Path) -> Source:
    """Reads and parses the file; whatever it is, the answer is a `Source`, never an exception."""
    path = path.absolute()
    raw = _read(path)
    return Source(path, {}, (raw,)) if isinstance(raw, Problem) else parse_source(path, raw)


def parse_source(path: Path, raw: bytes) -> Source:
    """Parses the bytes of a sessions file (pure).

    Args:
        path: for the messages.
        raw: UTF-8; a byte order mark, which some editors write, is skipped.

    Returns:
        The data with the problems of single entries, or no data and the one problem that stopped the parser.
    """
    text = _decode(path, raw)
    if isinstance(text, Problem):
        return Source(path, {}, (text,))
    data = _load(path, text)
    if isinstance(data, Problem):
        return Source(path, {}, (data,))
    located = locate(text)
    if located.too_deep is not None:
        return Source(path, {}, (_too_deep(path, located.too_deep),))
    if not isinstance(data, dict):
        found = f"{shown(data)} at the top level"
        fix = "put the session types into one object"
        return Source(path, {}, (_file_problem(path, Code.NOT_AN_OBJECT, found, _EXPECTED_OBJECT, fix, 1),))
    problems = tuple(_problem_of_oddity(path, oddity) for oddity in located.oddities)
    unusable = {oddity.path[0] for oddity in located.oddities if oddity.code is Code.TEXT_NOT_UNICODE}
    return Source(path, {name: raw for name, raw in data.items() if name not in unusable}, problems, located)


def _read(path: Path) -> bytes | Problem:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            what = "a directory" if stat.S_ISDIR(status.st_mode) else "something that is no regular file"
            return _file_problem(
                path, Code.FILE_IS_NO_FILE, what, "a JSON file", "give the path of the sessions file itself"
            )
        if status.st_size > MAX_FILE_SIZE:
            return _file_problem(
                path,
                Code.FILE_TOO_LARGE,
                f"a file of {status.st_size} bytes",
                f"at most {MAX_FILE_SIZE} bytes",
                "check whether this is the sessions file",
            )
        return path.read_bytes()
    except FileNotFoundError:
        return _file_problem(
            path,
            Code.FILE_MISSING,
            "no such file",
            "the sessions file",
            "create it, or name another one in REMOTE_SERVICE_CONFIG",
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return _file_problem(
            path,
            Code.FILE_UNREADABLE,
            f"that it cannot be read ({reason})",
            "a file that the server's account may read",
            f"give it to the server's group, and run: chmod g+r {shlex.quote(str(path))}",
        )


def _decode(path: Path, raw: bytes) -> str | Problem:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        line, column = position(before, len(before))
        found = f"the byte 0x{raw[error.start]:02x} in column {column}, which is not UTF-8"
        return _file_problem(path, Code.NOT_UTF8, found, "a file in UTF-8", "save it as UTF-8 in your editor", line)
    if not text.strip():
        return _file_problem(
            path,
            Code.FILE_EMPTY,
            "an empty file",
            _EXPECTED_OBJECT,
            "write the session types, or {} for none",
        )
    return text


def _load(path: Path, text: str) -> Any | Problem:
    try:
        return json.loads(text, parse_int=_whole_number)
    except JSONDecodeError as error:
        fault = fault_of(text, error)
        return _file_problem(path, fault.code, fault.found, fault.expected, fault.fix, fault.line)
    except RecursionError:
        return _too_deep(path, locate(text).too_deep)


def _whole_number(digits: str) -> int | float:
    """Infinity for what no float holds, which is reported; Python refuses to convert thousands of digits."""
    return int(digits) if math.isfinite(float(digits)) else math.inf


def _too_deep(path: Path, line: int | None) -> Problem:
    return _file_problem(
        path,
        Code.JSON_TOO_DEEP,
        f"more than {MAX_DEPTH} objects and lists inside each other",
        f"at most {MAX_DEPTH}",
        "take out the innermost ones",
        line,
    )


def _file_problem(path: Path, code: Code, found: str, expected: str, fix: str, line: int | None = None) -> Problem:
    return Problem(str(path), None, (), found, expected, fix, code, line=line)


def _problem_of_oddity(path: Path, oddity: Oddity) -> Problem:
    # Half characters cannot be stored or shown: in names, their escapes stand for them.
    entry, *key = (
        step.encode("utf-8", "backslashreplace").decode() if isinstance(step, str) else step for step in oddity.path
    )
    found, expected, fix = _describe(oddity)
    return Problem(str(path), str(entry), tuple(key), found, expected, fix, oddity.code, line=oddity.line)


def _describe(oddity: Oddity) -> tuple[str, str, str]:
    if oddity.code is Code.DUPLICATE_KEY:
        found = f"the key {as_json(oddity.path[-1])} a second time (first in line {oddity.first_line})"
        return found, "each key once", "remove or rename one of them"
    if oddity.code is Code.NUMBER_NOT_FINITE:
        found = f"the number {shortened(oddity.token)}"
        return found, "a finite number, of at most about 300 digits", "write another number"
    found = f"the text {shortened(oddity.token)}, which holds half of a surrogate pair"
    return found, "whole characters", "write the character itself, or both halves of the pair"
