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
from remote_service.texts import counted as ngettext
from remote_service.texts import sentence as _

MAX_FILE_SIZE = 4 * 1024 * 1024
"""Bytes. A sessions file has a few kilobytes; what is larger is another file, and is not read."""

_SAMPLE = '{"Desktop": {"script": "desktop_session.py", "count": 2, "options": {}}}'
_EXPECTED_OBJECT = _("an object with one member per session type, such as %(sample)s", sample=_SAMPLE)


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
        found = _("%(value)s at the top level", value=shown(data))
        fix = _("put the session types into one object")
        return Source(path, {}, (_file_problem(path, Code.NOT_AN_OBJECT, found, _EXPECTED_OBJECT, fix, 1),))
    problems = tuple(_problem_of_oddity(path, oddity) for oddity in located.oddities)
    unusable = {oddity.path[0] for oddity in located.oddities if oddity.code is Code.TEXT_NOT_UNICODE}
    return Source(path, {name: raw for name, raw in data.items() if name not in unusable}, problems, located)


def _read(path: Path) -> bytes | Problem:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            what = _("a directory") if stat.S_ISDIR(status.st_mode) else _("something that is no regular file")
            fix = _("give the path of the sessions file itself")
            return _file_problem(path, Code.FILE_IS_NO_FILE, what, _("a JSON file"), fix)
        if status.st_size > MAX_FILE_SIZE:
            return _file_problem(
                path,
                Code.FILE_TOO_LARGE,
                ngettext("a file of %(size)d byte", "a file of %(size)d bytes", status.st_size, size=status.st_size),
                ngettext("at most %(most)d byte", "at most %(most)d bytes", MAX_FILE_SIZE, most=MAX_FILE_SIZE),
                _("check whether this is the sessions file"),
            )
        return path.read_bytes()
    except FileNotFoundError:
        return _file_problem(
            path,
            Code.FILE_MISSING,
            _("no such file"),
            _("the sessions file"),
            _("create it, or name another one in REMOTE_SERVICE_CONFIG"),
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return _file_problem(
            path,
            Code.FILE_UNREADABLE,
            _("that it cannot be read (%(reason)s)", reason=reason),
            _("a file that the server's account may read"),
            _("give it to the server's group, and run: %(command)s", command=f"chmod g+r {shlex.quote(str(path))}"),
        )


def _decode(path: Path, raw: bytes) -> str | Problem:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        line, column = position(before, len(before))
        byte = f"0x{raw[error.start]:02x}"
        found = _("the byte %(byte)s in column %(column)d, which is not UTF-8", byte=byte, column=column)
        fix = _("save it as UTF-8 in your editor")
        return _file_problem(path, Code.NOT_UTF8, found, _("a file in UTF-8"), fix, line)
    if not text.strip():
        return _file_problem(
            path,
            Code.FILE_EMPTY,
            _("an empty file"),
            _EXPECTED_OBJECT,
            _("write the session types, or {} for none"),
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
        ngettext(
            "more than %(most)d object or list inside each other",
            "more than %(most)d objects and lists inside each other",
            MAX_DEPTH,
            most=MAX_DEPTH,
        ),
        _("at most %(most)s", most=MAX_DEPTH),
        _("take out the innermost ones"),
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
        key = as_json(oddity.path[-1])
        found = _("the key %(key)s a second time (first in line %(line)d)", key=key, line=oddity.first_line)
        return found, _("each key once"), _("remove or rename one of them")
    if oddity.code is Code.NUMBER_NOT_FINITE:
        found = _("the number %(value)s", value=shortened(oddity.token))
        return found, _("a finite number, of at most about 300 digits"), _("write another number")
    found = _("the text %(value)s, which holds half of a surrogate pair", value=shortened(oddity.token))
    return found, _("whole characters"), _("write the character itself, or both halves of the pair")
