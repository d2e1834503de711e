"""What our log lines never hold: the query part of an address, since tokens travel there."""

from __future__ import annotations

import logging
import re

_QUERY = re.compile(r"(?<=[\w/%.\-])\?[^\s\"'<>]+")


def without_queries(text: str) -> str:
    """The text with the query cut from everything in it that looks like a path or an address."""
    return _QUERY.sub("?…", text)


class WithoutQueries(logging.Filter):
    """Cuts queries from a record's message and arguments; lets every record pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrites the record in place."""
        message = record.getMessage()
        if "?" in message:
            record.msg, record.args = without_queries(message), None
        if record.exc_info and not record.exc_text:
            record.exc_text = without_queries(logging.Formatter().formatException(record.exc_info))
        return True
