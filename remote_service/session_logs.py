"""Reading sessions' logs for people: their last lines, or all of it, made harmless.

A log holds whatever a session's programs printed. What reaches a page or a downloaded file has no escape sequences,
no control characters and no characters that turn the direction of writing.
"""

from __future__ import annotations

import logging
import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

from remote_service import conf

log = logging.getLogger(__name__)

TAIL_LINES = 40
TAIL_BYTES = 64 * 1024
BLOCK = 32 * 1024
"""Characters that are cleaned in one go."""
MOST_BYTES = 16 * 1024 * 1024
"""Bytes that `whole` reads; a log's own cap is below (see `hosting.session_log`)."""

# ECMA-48: control sequences, strings up to their terminator (at most to the end of the line), all others.
_ESCAPES = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]?"
    "|(?:\x1b[\\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\\\|\x9c)?"
    "|\x1b[ -/]*[0-~]?"
)
_OVERWRITTEN = re.compile(r"^[^\n]*\r(?=[^\n\r])", re.MULTILINE)
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")


def clean(text: str) -> str:
    """The text as a terminal would leave it, without what could act on a terminal or a page.

    Escape sequences and control characters but tab and line feed are removed; of a line that a progress display
    wrote over, what was written last stays.
    """
    text = _ESCAPES.sub("", text.replace("\r\n", "\n"))
    return _CONTROLS.sub("", _OVERWRITTEN.sub("", text))


def log_path(session_id: uuid.UUID) -> Path:
    """Where a session's log is, once something was written."""
    return conf.current().session_logs / f"{session_id}.log"


def tail(session_id: uuid.UUID, lines: int = TAIL_LINES, max_bytes: int = TAIL_BYTES) -> str:
    """The last lines of a session's log, cleaned; empty when there is no log, or none that can be read.

    Args:
        session_id: which session.
        lines: how many lines at most.
        max_bytes: how much of the file's end is looked at.
    """
    found = _read_end(session_id, max_bytes)
    if found is None:
        return ""
    data, is_whole = found
    text = data.decode(errors="replace")
    if not is_whole:
        # The first line is most likely a part of one; it is all there is of a line longer than `max_bytes`.
        text = text.partition("\n")[2] or text
    kept = clean(text).rstrip("\n").split("\n")[-lines:]
    return "\n".join(kept)


def whole(session_id: uuid.UUID) -> str | None:
    """A session's log, cleaned; None when there is none, or none that can be read."""
    found = _read_end(session_id, MOST_BYTES)
    return None if found is None else "".join(clean(block) for block in _blocks(found[0].decode(errors="replace")))


def _blocks(text: str) -> Iterator[str]:
    """The text in pieces that end with a line where they can: a search of megabytes would hold up all other threads."""
    at = 0
    while at < len(text):
        end = text.rfind("\n", at, at + BLOCK) + 1 or at + BLOCK
        yield text[at:end]
        at = end


def _read_end(session_id: uuid.UUID, max_bytes: int) -> tuple[bytes, bool] | None:
    """The last bytes of a log and whether they are all of it; None without one. One that cannot be read is logged."""
    try:
        with log_path(session_id).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - max_bytes))
            return file.read(max_bytes), size <= max_bytes
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("session %s: its log cannot be read: %s", session_id, error)
        return None
