"""Whether a websocket's Origin is the site itself (RFC 6454): only then is its cookie a credential."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    """A request header's value, empty when it is missing, and of a repeated one the first."""
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


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
