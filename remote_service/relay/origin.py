"""Whether a websocket's Origin is the site itself (RFC 6454): only then is its cookie a credential."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

_DEFAULT_PORTS = {"http": 80, "https": 443}


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    """A request header's value, empty when it is missing, and of a repeated one the first."""
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


def from_own_pages(scope: dict[str, Any]) -> bool:
    """Whether a websocket was opened by a page of this site; one that was not is logged, since a proxy may be why."""
    headers = scope["headers"]
    origin, host = header(headers, b"origin"), header(headers, b"host")
    if same_origin(scope["scheme"], host, origin):
        return True
    log.warning(
        "a websocket with the Origin %r reached %s://%s, so its cookie does not count; behind a TLS proxy "
        "set REMOTE_SERVICE_TRUSTED_PROXIES and have the proxy send X-Forwarded-Proto",
        origin[:200], scope["scheme"], host[:200],
    )  # fmt: skip
    return False


def same_origin(scheme: str, host: str, origin: str) -> bool:
    """Whether scheme, host and port are exactly equal.

    Args:
        scheme: the websocket's, "ws" or "wss".
        host: its Host header.
        origin: its Origin header; an empty one, or "null", is nobody's.
    """
    page_scheme = {"ws": "http", "wss": "https"}.get(scheme, scheme)
    expected = _parts(f"{page_scheme}://{host}")
    return expected is not None and expected == _parts(origin)


def _parts(url: str) -> tuple[str, str, int] | None:
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError:
        return None
    if split.scheme not in _DEFAULT_PORTS or not split.hostname or "@" in split.netloc:
        return None
    if url != f"{split.scheme}://{split.netloc}":
        # There is more than scheme, host and port.
        return None
    return split.scheme, split.hostname, _DEFAULT_PORTS[split.scheme] if port is None else port
