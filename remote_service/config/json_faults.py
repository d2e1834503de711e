"""Why a text is not JSON, in words for who edits it: where, what stands there, what belongs there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from json import JSONDecodeError

from remote_service.config.locator import OpenPart, locate
from remote_service.config.problems import Code
from remote_service.config.words import as_json, listed, shown
from remote_service.texts import sentence as _

_CUT_SHORT = re.compile(r"(-|t|tr|tru|f|fa|fal|fals|n|nu|nul|\.|[eE][+-]?)?\s*")
"""What may follow the last sound token when a file just ends: nothing, or the start of a word or number."""

_QUOTE = re.compile(r'(?<!\\)"')
_WORD = re.compile(r'"[^"\n]*"?|[^\s{}\[\]:,"]+|.', re.DOTALL)
_VALUE = _('a value: text in double quotes, a number, true, false, null, "[" or "{"')
_PYTHON_WORDS = {"True": "true", "False": "false", "None": "null"}


@dataclass(frozen=True, slots=True)
class Fault:
    """The first fault of a text; clauses as in `Problem`."""

    code: Code
    line: int
    column: int
    found: str
    expected: str
    fix: str


def fault_of(text: str, error: JSONDecodeError) -> Fault:
    """Explains the error that `json.loads(text)` raised.

    Returns:
        The fault at the place where it must be mended: of a comma too many that is the comma, of a file that
        ends too early its end, with all that is still open.
    """
    text_start = _text_start(text, error)
    open_parts = locate(text[: error.pos if text_start is None else text_start]).open_parts
    if _is_cut_short(text, error, in_text=text_start is not None, has_open_parts=bool(open_parts)):
        return _truncated(text, open_parts, text_start)
    comma = _comma_too_many(text, error.pos)
    if comma is not None:
        closing = as_json(text[comma + 1 :].lstrip()[0])
        return _fault(
            text,
            comma,
            _("a comma before the closing %(bracket)s", bracket=closing),
            _("none after the last one"),
            _("remove the comma"),
        )
    return _fault(text, error.pos, *_explain(text, error, open_parts))


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both counted from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _text_start(text: str, error: JSONDecodeError) -> int | None:
    """Where the text (the JSON one, in quotes) begins that the error lies in; None when it lies in none."""
    if error.msg.startswith("Unterminated string"):
        return error.pos
    if error.msg.startswith("Invalid"):
        return [match.start() for match in _QUOTE.finditer(text, 0, error.pos)][-1]
    return None


def _is_cut_short(text: str, error: JSONDecodeError, *, in_text: bool, has_open_parts: bool) -> bool:
    """Whether the file just ends, instead of holding something wrong."""
    if error.msg.startswith("Unterminated string"):
        return True
    if error.msg.startswith("Invalid \\") and '"' not in text[error.pos :]:
        return True
    return (in_text or has_open_parts) and _CUT_SHORT.fullmatch(text, error.pos) is not None


def _fault(text: str, offset: int, found: str, expected: str, fix: str) -> Fault:
    line, column = position(text, offset)
    found = _("%(what)s (column %(column)d)", what=found, column=column)
    return Fault(Code.JSON_INVALID, line, column, found, expected, fix)


def _truncated(text: str, open_parts: list[OpenPart], text_begins: int | None) -> Fault:
    names = [_name(part) for part in open_parts]
    closing = "".join("}" if part.bracket == "{" else "]" for part in reversed(open_parts))
    if text_begins is not None:
        line, column = position(text, text_begins)
        names.append(_("the text that begins in line %(line)d, column %(column)d", line=line, column=column))
        closing = '"' + closing
    line, column = position(text, len(text.rstrip()))
    return Fault(
        Code.JSON_TRUNCATED,
        line,
        column,
        _("the end of the file (column %(column)d), with %(names)s still open", column=column, names=listed(names)),
        _("all of it closed, by %(brackets)s at the end", brackets=closing),
        _("complete the file: its end is missing"),
    )


def _name(part: OpenPart) -> str:
    owner = next((as_json(key) for key in reversed(part.path) if isinstance(key, str)), "")
    if part.bracket == "{":
        named, nameless = _("the object %(name)s of line %(line)d"), _("the object of line %(line)d")
    else:
        named, nameless = _("the list %(name)s of line %(line)d"), _("the list of line %(line)d")
    return named.filled(name=owner, line=part.line) if owner else nameless.filled(line=part.line)


def _comma_too_many(text: str, offset: int) -> int | None:
    """Where a comma stands right before the bracket at `offset` (from Python 3.13: at the comma itself)."""
    before = text[:offset].rstrip()
    if text[offset : offset + 1] in ("}", "]") and before.endswith(","):
        return len(before) - 1
    if text[offset : offset + 1] == "," and text[offset + 1 :].lstrip()[:1] in ("}", "]"):
        return offset
    return None


def _explain(text: str, error: JSONDecodeError, open_parts: list[OpenPart]) -> tuple[str, str, str]:
    match = _WORD.match(text, error.pos)
    word = match.group() if match else ""
    found = shown(word.strip('"')) if word.startswith('"') else as_json(word)
    if error.msg.startswith("Invalid control character"):
        what = _("a line break") if word == "\n" else _("the control character %(character)s", character=found)
        return (
            _("%(what)s inside a text", what=what),
            _('the closing " before it'),
            _(r"close the text, or write \n for a line break"),
        )
    if error.msg.startswith("Invalid \\"):
        return (
            _("a backslash that begins no escape"),
            _(r"\\ for a backslash"),
            _("write each backslash of the text twice"),
        )
    if word.startswith(("//", "/*", "#")):
        return _("a comment"), _("none: JSON has no comments"), _("remove it")
    if word.startswith("'"):
        return _("a single quote"), _('a double quote (")'), _("put names and texts in double quotes")
    if error.msg.startswith("Extra data"):
        after = _("%(what)s after the end", what=found)
        return after, _("nothing more"), _("keep one object that holds all session types")
    if error.msg.startswith("Expecting ',' delimiter"):
        opened = open_parts[-1]
        closing = "}" if opened.bracket == "{" else "]"
        return (
            found,
            _('a comma or the closing "%(bracket)s"', bracket=closing),
            _("put a comma before it, or close %(what)s", what=_name(opened)),
        )
    if error.msg.startswith("Expecting ':' delimiter"):
        return found, _('a colon (":") after the key'), _('write "key": value')
    if error.msg.startswith("Expecting property name"):
        return found, _("a key in double quotes"), _("put the key in double quotes")
    if word in _PYTHON_WORDS:
        return found, _VALUE, _("write %(word)s, in small letters as JSON has it", word=_PYTHON_WORDS[word])
    return found, _VALUE, _("write the value that is missing, and texts in double quotes")
