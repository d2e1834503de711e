"""A websocket that another process is to serve: what it consists of, and how the relay asks for it.

    detached = await detach_of(scope)({"type": "websocket.accept", "subprotocol": "binary"})

A TCP connection is given away as a socket. One under TLS cannot be: there the process that is to serve it has it
already, and tunnels what it says to a page process, which only has to name the tunnel.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

DETACH = "remote_service.detach"
"""The extension's name in the scope; it is called with the message that accepts, and gives a `Detached`."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a connection that comes out of a tunnel comes from."""

    client: tuple[str, int] | None
    """None behind a Unix socket: the proxy that alone can reach it says by headers who the client is."""
    tunnel: str
    """Its name, at the process that has the other end of it."""


@dataclass(frozen=True, slots=True)
class Detached:
    """An upgrade that is granted and not answered yet; leaving its body ends what this process has of it."""

    answer: bytes = field(repr=False)
    """What the peer has to be sent first."""
    early: bytes = field(repr=False)
    """What the peer has sent behind its request."""
    most_message: int
    """Bytes that one message may have."""
    websocket: socket.socket | None
    tunnel: str | None
    """Where there is no socket to give away."""
    let_go: Callable[[], None]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go()
        if self.websocket is not None:
            self.websocket.close()


Detach = Callable[[dict[str, Any]], Awaitable[Detached]]


def detach_of(scope: dict[str, Any]) -> Detach | None:
    """How this websocket is given away; None where that cannot be."""
    found: Detach | None = (scope.get("extensions") or {}).get(DETACH)
    return found


class Unsent:
    """Stands in for a transport and keeps what is written."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        """Keeps it."""
        self.written += data

    def is_closing(self) -> bool:
        """It is not."""
        return False
