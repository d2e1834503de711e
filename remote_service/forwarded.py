"""Who a client is that comes through a front proxy on a Unix socket.

A proxy appends the address that it sees itself to X-Forwarded-For; everything before that was written by the client,
who may write what it likes. So the last entry counts, and only if it is an address.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]

_SCHEMES = {"http": {"http": "http", "https": "https"}, "websocket": {"http": "ws", "https": "wss"}}


def last_address(values: Iterable[bytes]) -> str | None:
    """The last entry of the X-Forwarded-For headers, or None when it is no address."""
    last = b",".join(values).decode("latin-1").rpartition(",")[2].strip()
    try:
        return str(ipaddress.ip_address(last.strip("[]")))
    except ValueError:
        return None


class BehindProxy:
    """Takes address and scheme from the headers of a proxy that alone can reach our socket."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Passes on with the client that the proxy saw."""
        if scope["type"] in _SCHEMES:
            headers = scope["headers"]
            address = last_address(value for name, value in headers if name == b"x-forwarded-for")
            scheme = next((value.decode("latin-1") for name, value in headers if name == b"x-forwarded-proto"), "")
            scope = {
                **scope,
                "client": (address, 0) if address else None,
                "scheme": _SCHEMES[scope["type"]].get(scheme, scope["scheme"]),
            }
        await self._application(scope, receive, send)
