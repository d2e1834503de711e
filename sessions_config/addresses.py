"""The addresses of PostgreSQL and Redis that a site may name: what each must look like, and how one is shown.

Parameters behind the question mark go to the client libraries as they are. What an address leaves open is set so that
a server that hangs, or a line that drops all packets, is found out within seconds.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import dj_database_url
from redis.connection import parse_url

POSTGRESQL = "remote_service.postgresql"
"""Django's own backend, with connections that wait for an answer only so long."""
POSTGRESQL_OPTIONS: dict[str, Any] = {
    # Seconds for a connection: longer than a lost packet takes to be sent again, twice.
    "connect_timeout": 4,
    # A machine that is gone, or a line that drops everything: seconds, and at last milliseconds.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    # What the server itself gives up, in milliseconds: a statement, a wait for somebody's lock, and who began a
    # transaction and says nothing any more, such as a supervisor that was paused while it held the lease's row.
    "options": (
        "-c statement_timeout=10000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=10000 "
        "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
    ),
    # Ours: seconds that we wait for any answer, since a server that hangs keeps no limits of its own; 0 is for ever.
    "answer_timeout": 12.0,
}
REDIS_OPTIONS: dict[str, Any] = {
    "socket_connect_timeout": 2.0,
    # More than the 5 s for which it is asked to wait for a message.
    "socket_timeout": 8.0,
}

_POSTGRESQL_SCHEMES = ("postgres", "postgresql", "pgsql")
_POSTGRESQL_FORM = (
    "expected postgres://user:password@host:5432/name, such as postgres://gateway:secret@db.example.org/gateway; "
    "without DATABASE_URL the database is SQLite in the state directory"
)
_REDIS_SCHEMES = ("redis", "rediss", "unix")
_REDIS_FORM = (
    "expected redis://:password@host:6379/0, such as redis://:secret@cache.example.org:6379/0, or "
    "unix://:password@/run/redis/redis.sock?db=0"
)
_SECRET_PARAMETER = re.compile(r"(?i)([?&][a-z_]*(?:password|passwd|secret)[a-z_]*=)[^&#]*")
_SECONDS = re.compile(r"\d+(\.\d+)?")
_SPLIT = re.compile(r"(?P<scheme>[^:/?#@]*://)?(?P<rest>.*)", re.DOTALL)


def check_database(url: str) -> str:
    """The address of a PostgreSQL database.

    Raises:
        ValueError: says what is wrong with it, and what is expected; the address itself is not in it.
    """
    parts = _split(url, _POSTGRESQL_SCHEMES, _POSTGRESQL_FORM)
    if not parts.path.strip("/") and "service=" not in parts.query:
        raise ValueError(f"it names no database; {_POSTGRESQL_FORM}")
    for wrong in (text for text in parse_qs(parts.query).get("answer_timeout", ()) if not _SECONDS.fullmatch(text)):
        raise ValueError(f"its answer_timeout {wrong!r} is no number of seconds; {_POSTGRESQL_FORM}")
    return url


def check_channel_layer(url: str) -> str:
    """The address of a Redis server.

    Raises:
        ValueError: likewise.
    """
    parts = _split(url, _REDIS_SCHEMES, _REDIS_FORM)
    if parts.scheme == "unix" and not parts.path.strip("/"):
        raise ValueError(f"it names no socket; {_REDIS_FORM}")
    if parts.scheme != "unix" and parts.path.strip("/") and not unquote(parts.path).strip("/").isdigit():
        raise ValueError(f"its database is no number; {_REDIS_FORM}")
    try:
        parse_url(url)  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise ValueError(f"{error.args[0].rstrip('.').replace('Invalid', 'invalid')}; {_REDIS_FORM}") from error
    return url


def database(url: str) -> dict[str, Any]:
    """What Django's DATABASES says of an address; parameters in it go before ours."""
    found: dict[str, Any] = {**dj_database_url.parse(url, engine=POSTGRESQL)}
    options = {**POSTGRESQL_OPTIONS, **found.get("OPTIONS", {})}
    found["OPTIONS"] = options | {"answer_timeout": float(options["answer_timeout"])}
    return found


def channel_layer(url: str) -> dict[str, Any]:
    """What channels_redis is told of an address; redis-py lets parameters in it go before ours."""
    return {"address": url, **REDIS_OPTIONS}


def without_password(url: str) -> str:
    """An address, or what was meant to be one, as it may be shown."""
    found = _SPLIT.fullmatch(_SECRET_PARAMETER.sub(r"\1***", url))
    assert found is not None
    scheme, rest = found["scheme"] or "", found["rest"]
    if "@" in rest:
        # The last one: somebody may have forgotten to quote those of a password.
        account, _, where = rest.rpartition("@")
        user, colon, _password = account.partition(":")
        return f"{scheme}{user}{colon and ':***'}@{where}"
    # A password whose "@host" is missing stands where a port would.
    return scheme + re.sub(r"^([^/?#]*?):(?!\d+(?:[/?#]|$))[^/?#]*", r"\1:***", rest)


def _split(url: str, schemes: tuple[str, ...], form: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ValueError(f"it is no address; {form}") from error
    if "://" not in url:
        raise ValueError(f"it is no address; {form}")
    if parts.scheme not in schemes:
        raise ValueError(f"its scheme is none of {', '.join(schemes)}; {form}")
    try:
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"its port is no number from 0 to 65535; {form}") from error
    return parts
