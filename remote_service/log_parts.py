"""Following a session's log while it is written: each part begins where the one before it ended.

A part is whole lines, so that no escape sequence and no character is ever cut in two; an unfinished line comes with
its end. When the log outgrew its cap and was cut (see `hosting.session_log`), the next part begins afresh at its end.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from remote_service.session_logs import TAIL_BYTES, clean, log_path

log = logging.getLogger(__name__)

FIRST_LINES = 500
"""Lines that the first part has at most."""


@dataclass(frozen=True, slots=True)
class LogPart:
    """Some lines of a log, cleaned, each with its line feed."""

    text: str
    next: int
    """Bytes of the file that are behind us: what to ask for the part after this one."""
    skipped: bool
    """Whether lines between the part before, or the beginning of the log, and this one were left out."""


def read_part(
    session_id: uuid.UUID,
    after: int | None = None,
    *,
    finished: bool = False,
    first_lines: int = FIRST_LINES,
    most_bytes: int = TAIL_BYTES,
) -> LogPart:
    """What was written since `after`; without it the last lines.

    Args:
        session_id: which session.
        after: `next` of the part before; one that the log does not reach any more counts as none.
        finished: nothing more will be written, so that an unfinished line counts as well.
        first_lines: how many lines there are at most without `after`.
        most_bytes: how much is read.

    Returns:
        The part; an empty one when there is nothing new, no log, or none that can be read (which is logged).
    """
    try:
        with log_path(session_id).open("rb") as file:
            return _part(file, after, finished, first_lines, most_bytes)
    except FileNotFoundError:
        return LogPart("", 0, skipped=False)
    except OSError as error:
        log.warning("session %s: its log cannot be read: %s", session_id, error)
        return LogPart("", after or 0, skipped=False)


def follow(
    session_id: uuid.UUID,
    is_over: Callable[[], bool],
    wait: Callable[[], None],
    *,
    first_lines: int = FIRST_LINES,
    most_bytes: int = TAIL_BYTES,
) -> Iterator[LogPart]:
    """The last lines of a log, and what is written to it, until its session is over.

    Args:
        session_id: which session.
        is_over: whether it is.
        wait: called between two looks.
        first_lines: how many lines the first part has at most.
        most_bytes: how much is read at a time.
    """
    after = None
    while True:
        # Asked before the log is read: what the session's end wrote is not missed.
        over = is_over()
        part = read_part(session_id, after, finished=over, first_lines=first_lines, most_bytes=most_bytes)
        if part.text or part.skipped:
            yield part
        if over:
            return
        after = part.next
        wait()


def _part(file: BinaryIO, after: int | None, finished: bool, first_lines: int, most_bytes: int) -> LogPart:
    size = file.seek(0, os.SEEK_END)
    known = after if after is not None and 0 <= after <= size else None
    start = max(known or 0, size - most_bytes)
    file.seek(start)
    data = file.read(size - start)
    # What is left out ends in the middle of a line, most likely; a line longer than all that is read is kept.
    is_cut = start > (known or 0)
    dropped = data.find(b"\n") + 1 if is_cut else 0
    end = len(data) if finished or (is_cut and not dropped) else data.rfind(b"\n") + 1
    kept = data[dropped:end].splitlines(keepends=True)
    shown = kept if known is not None else kept[-first_lines:] if first_lines else []
    return LogPart(
        text=clean(b"".join(shown).decode(errors="replace")),
        next=start + end,
        skipped=is_cut or len(shown) < len(kept),
    )
