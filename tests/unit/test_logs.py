"""No query, and so no token, reaches a log."""

from __future__ import annotations

import io
import logging
import sys
from typing import Any

import pytest

from remote_service.logs import WithoutQueries, without_queries

TOKEN = "uAp5-Zn_Secret"

LINES = {
    # What uvicorn writes about requests and websockets.
    f'127.0.0.1:51234 - "GET /v1/status?security_token={TOKEN} HTTP/1.1" 200': (
        '127.0.0.1:51234 - "GET /v1/status?… HTTP/1.1" 200'
    ),
    f'127.0.0.1:51234 - "WebSocket /websockify?token={TOKEN}" [accepted]': (
        '127.0.0.1:51234 - "WebSocket /websockify?… [accepted]'
    ),
    f'127.0.0.1:51234 - "WebSocket /?token={TOKEN}" 403': '127.0.0.1:51234 - "WebSocket /?… 403',
    f"<ASGIRequest: GET '/v1/reserve/Desk%20(big)?size=1x1&security_token={TOKEN}'>": (
        "<ASGIRequest: GET '/v1/reserve/Desk%20(big)?…"
    ),
    # Whole addresses.
    f"http://desk.example.org/websockify?token={TOKEN} failed": "http://desk.example.org/websockify?… failed",
    f"https://[::1]:8000/websockify?token={TOKEN}#top": "https://[::1]:8000/websockify?…",
    f"https://desk.example.org?token={TOKEN}": "https://desk.example.org?…",
    # Quotes, brackets and further question marks are part of a query that nobody encoded.
    f"GET /x?size='1x1'&token={TOKEN} HTTP/1.1": "GET /x?… HTTP/1.1",
    f'GET /x?a="b"&token={TOKEN} HTTP/1.1': "GET /x?… HTTP/1.1",
    f"GET /x?a=<b>&token={TOKEN}": "GET /x?…",
    f"GET /x?a=?&token={TOKEN}": "GET /x?…",
    f"GET /x?{TOKEN}": "GET /x?…",
    # A name and a value need no path before them.
    f"the query was ?token={TOKEN}": "the query was ?…",
    f"/it's(?token={TOKEN}": "/it's(?…",
    f"two: /a?token={TOKEN} /b?token={TOKEN}": "two: /a?… /b?…",
    # No queries.
    "did you mean 'slurm'? Otherwise create the group": "did you mean 'slurm'? Otherwise create the group",
    'found "slrum"; did you mean "slurm"?': 'found "slrum"; did you mean "slurm"?',
    "expected ?token=… or /sessions/{id}/websockify": "expected ?token=… or /sessions/{id}/websockify",
    "SELECT 1 WHERE id=? AND name IN (?, ?)": "SELECT 1 WHERE id=? AND name IN (?, ?)",
    "the pattern (?:a|b) matched": "the pattern (?:a|b) matched",
}


@pytest.mark.parametrize("line", LINES)
def test_it_cuts_the_query_and_nothing_else(line: str) -> None:
    assert without_queries(line) == LINES[line]


@pytest.fixture
def stream() -> io.StringIO:
    """What a logger named here writes, as the site's console handler does."""
    return io.StringIO()


@pytest.fixture
def logger(stream: io.StringIO) -> logging.Logger:
    logger = logging.Logger("here")
    handler = logging.StreamHandler(stream)
    handler.addFilter(WithoutQueries())
    logger.addHandler(handler)
    return logger


def test_it_cuts_queries_from_arguments(logger: logging.Logger, stream: io.StringIO) -> None:
    logger.info('%s - "WebSocket %s" [accepted]', ("127.0.0.1", 5), f"/websockify?token={TOKEN}")
    assert stream.getvalue() == "('127.0.0.1', 5) - \"WebSocket /websockify?… [accepted]\n"


def test_a_message_without_a_query_keeps_its_arguments(logger: logging.Logger) -> None:
    record = logger.makeRecord("here", logging.INFO, "f", 1, "%d sessions of 100%%", (3,), None)
    assert WithoutQueries().filter(record) is True
    assert (record.msg, record.args, record.getMessage()) == ("%d sessions of 100%%", (3,), "3 sessions of 100%")


def test_a_message_that_was_cut_is_not_formatted_again(logger: logging.Logger, stream: io.StringIO) -> None:
    logger.info("%s at 100%%d", "/x?a=b")
    assert stream.getvalue() == "/x?… at 100%d\n"


def raise_with_token() -> None:
    raise ConnectionError(f"no answer from /websockify?token={TOKEN}")


def test_it_cuts_queries_from_tracebacks(logger: logging.Logger, stream: io.StringIO) -> None:
    try:
        try:
            raise_with_token()
        except ConnectionError as error:
            raise RuntimeError(f"GET /v1/status?security_token={TOKEN} failed") from error
    except RuntimeError:
        logger.exception("a request failed")
    lines = stream.getvalue().splitlines()
    assert lines[:2] == ["a request failed", "Traceback (most recent call last):"]
    assert "ConnectionError: no answer from /websockify?…" in lines
    assert lines[-1] == "RuntimeError: GET /v1/status?… failed"
    assert TOKEN not in stream.getvalue()


def test_it_cuts_queries_from_a_traceback_that_another_handler_has_formatted(
    logger: logging.Logger, stream: io.StringIO
) -> None:
    logger.handlers.insert(0, logging.StreamHandler(io.StringIO()))
    try:
        raise_with_token()
    except ConnectionError:
        logger.exception("a request failed")
    assert stream.getvalue().splitlines()[-1] == "ConnectionError: no answer from /websockify?…"


def test_it_cuts_queries_from_a_stack(logger: logging.Logger, stream: io.StringIO) -> None:
    record = logger.makeRecord("here", logging.INFO, "f", 1, "look", (), None, sinfo=f"get('/x?token={TOKEN}')")
    logger.handle(record)
    assert stream.getvalue() == "look\nget('/x?…\n"


def test_a_record_with_wrong_arguments_does_not_hurt_who_logs(
    logger: logging.Logger, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported = io.StringIO()
    monkeypatch.setattr(sys, "stderr", reported)
    logger.info("%d sessions", "three")
    assert stream.getvalue() == ""
    assert reported.getvalue().startswith("--- Logging error ---\n")


def test_the_site_puts_the_filter_on_every_handler(settings: Any) -> None:
    assert settings.LOGGING["filters"] == {"no_queries": {"()": "remote_service.logs.WithoutQueries"}}
    assert all("no_queries" in handler["filters"] for handler in settings.LOGGING["handlers"].values())
