"""What our log lines never hold: the query part of an address, since tokens travel there."""

from __future__ import annotations

import logging
import re

# After a path, up to the next blank: a quote or a bracket may be part of a query that was not encoded. Elsewhere a
# question mark counts when a name and a value follow.
_QUERY = re.compile(r"(?<![\s\"'(\[{=,:?])\?\S+|\?[\w.%+~\[\]-]+=[^\s…]\S*")


def without_queries(text: str) -> str:
    """The text with the query cut from everything in it that looks like a path or an address."""
    return _QUERY.sub("?…", text)


class WithoutQueries(logging.Filter):
    """Cuts queries from a record's message, arguments and traceback; lets every record pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrites the record in place."""
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 (whatever a wrong argument raises: the handler itself reports such a record)
            return True
        if "?" in message:
            record.msg, record.args = without_queries(message), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = without_queries(record.exc_text)
        if record.stack_info:
            record.stack_info = without_queries(record.stack_info)
        return True
