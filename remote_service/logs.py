"""What our log lines never hold: the parts of an address in which tokens travel, and line ends of somebody else."""

from __future__ import annotations

import logging
import re

# After a path, up to the next blank: a quote or a bracket may be part of a query that was not encoded. Elsewhere a
# question mark counts when a name and a value follow.
_QUERY = re.compile(r"(?<![\s\"'(\[{=,:?])\?\S+|\?[\w.%+~\[\]-]+=[^\s…]\S*")

# Django logs the path of every request that it answers with an error, and this one ends with a session's token.
_TOKEN = re.compile(r"(/v1/release/)[^\s?\"']+")


def without_queries(text: str) -> str:
    """The text with the query cut from everything in it that looks like a path or an address, and tokens in paths."""
    return _TOKEN.sub(r"\1…", _QUERY.sub("?…", text))


class WithoutQueries(logging.Filter):
    """Cuts queries from a record's message, arguments and traceback, indents further lines; lets every record pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrites the record in place."""
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 (whatever a wrong argument raises: the handler itself reports such a record)
            return True
        # What people and programs wrote may have lines of its own: none of them may look like one of ours.
        if (cut := without_queries(message).replace("\r", "\n").replace("\n", "\n    ")) != message:
            record.msg, record.args = cut, None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = without_queries(record.exc_text)
        if record.stack_info:
            record.stack_info = without_queries(record.stack_info)
        return True
