"""Where things are in a JSON text: the line of every key and list item, and what `json` lets pass.

`json.loads` gives no positions, keeps the last of two equal keys without a word, and takes NaN, numbers that
overflow and halves of surrogate pairs. One walk over the tokens finds all of these. The text must be valid
JSON, or the valid beginning of one (then `open_parts` says what is not closed yet).
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field

from remote_service.config.problems import Code, KeyPath

MAX_DEPTH = 64
"""Objects and lists inside each other: more than a sessions file needs, less than what exhausts a stack."""

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something in valid JSON that is refused all the same."""

    path: KeyPath
    line: int
    code: Code
    token: str
    """As it stands in the text."""
    first_line: int = 0
    """Of a duplicate key: where it stood first."""


@dataclass(slots=True)
class OpenPart:
    """An object or list that is not closed yet."""

    bracket: str
    path: KeyPath
    line: int
    key: str | int = ""
    """The member that the next value belongs to."""
    awaits_key: bool = False
    lines: dict[str, int] = field(default_factory=dict)
    """Of an object: where each key stood first."""


@dataclass(slots=True)
class Located:
    """What the walk found."""

    lines: dict[KeyPath, int] = field(default_factory=dict)
    """Path to line, counted from 1: of a member its key's line, of a list item where its value begins. Of two
    equal keys the last one counts, as in what `json` returns."""
    oddities: list[Oddity] = field(default_factory=list)
    open_parts: list[OpenPart] = field(default_factory=list)
    """From the outermost inwards; empty at the end of a whole text."""
    too_deep: int | None = None
    """The line where `MAX_DEPTH` was exceeded; the walk ended there."""

    def line_of(self, path: KeyPath) -> int | None:
        """The line of `path`, or of the nearest part around it that exists."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


def locate(text: str) -> Located:
    """Walks a JSON text, or the valid beginning of one."""
    located = Located()
    line, counted = 1, 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", counted, match.start())
        counted = match.start()
        _take(located, match.group(), line)
        if located.too_deep is not None:
            break
    return located


def _take(located: Located, token: str, line: int) -> None:
    part = located.open_parts[-1] if located.open_parts else None
    if token in ("}", "]"):
        if part:
            located.open_parts.pop()
    elif token == ",":
        if part and isinstance(part.key, int):
            part.key += 1
        elif part:
            part.awaits_key = True
    elif token == ":":
        pass
    elif part and part.awaits_key:
        _take_key(located, part, token, line)
    else:
        _take_value(located, part, token, line)


def _text_of(token: str) -> str:
    """What a string token says; as it stands when an escape in it is none, in a text that is invalid just here."""
    try:
        return str(json.loads(token, strict=False))
    except ValueError:
        return token


def _take_key(located: Located, part: OpenPart, token: str, line: int) -> None:
    if not token.startswith('"'):
        return  # only in a text that is invalid just here
    key = _text_of(token)
    part.key, part.awaits_key = key, False
    path = (*part.path, key)
    located.lines[path] = line
    if key in part.lines:
        located.oddities.append(Oddity(path, line, Code.DUPLICATE_KEY, token, part.lines[key]))
    part.lines.setdefault(key, line)
    _check_text(located, path, token, line)


def _take_value(located: Located, part: OpenPart | None, token: str, line: int) -> None:
    path: KeyPath = (*part.path, part.key) if part else ()
    if part is None or part.bracket == "[":
        located.lines[path] = line
    if token in ("{", "["):
        if len(located.open_parts) == MAX_DEPTH:
            located.too_deep = line
            return
        is_list = token == "["
        located.open_parts.append(OpenPart(token, path, line, 0 if is_list else "", awaits_key=not is_list))
    elif token.startswith('"'):
        _check_text(located, path, token, line)
    elif not _is_finite(token):
        located.oddities.append(Oddity(path, line, Code.NUMBER_NOT_FINITE, token))


def _check_text(located: Located, path: KeyPath, token: str, line: int) -> None:
    if "\\u" in token and any("\ud800" <= character <= "\udfff" for character in _text_of(token)):
        located.oddities.append(Oddity(path, line, Code.TEXT_NOT_UNICODE, token))


def _is_finite(token: str) -> bool:
    """Whether it is one of the three words, or a number that a float can hold."""
    if token in ("true", "false", "null"):
        return True
    try:
        return math.isfinite(float(token))
    except ValueError:
        return True  # not a number at all: only in a text that is invalid just here
