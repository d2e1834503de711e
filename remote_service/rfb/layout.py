"""How a table says where a message ends: at once, or by what stands in the message's header."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from .errors import Peer, RemoteProtocolError
from .sieve import Walk


@dataclass(frozen=True)
class Fixed:
    """A message of known length."""

    length: int
    """All of its bytes, the type included."""
    is_input: bool = False
    lists_encodings: bool = False
    """From the fifth byte on these are S32 encodings (SetEncodings)."""


@dataclass(frozen=True)
class Measured:
    """A message whose length is in its header."""

    header: int
    """How many bytes, the type included, `measure` needs."""
    measure: Callable[[bytes, int], Layout]
    """Takes the header and where in the stream it stands; returns the layout, which may again be a `Measured`
    with a longer header. Raises RemoteProtocolError."""


Layout: TypeAlias = Fixed | Measured


def read_header(layout: Layout, begin: bytes, offset: int) -> Walk[tuple[Fixed, bytes]]:
    """Read on until the message's length is known.

    Args:
        layout: the layout of the message's type.
        begin: what was read of the message.
        offset: where in the stream it begins.

    Returns:
        The final layout, and all that was read: the header, or `begin` when that told enough.

    Raises:
        RemoteProtocolError: a length that is not allowed.
    """
    while isinstance(layout, Measured):
        begin += yield layout.header - len(begin)
        layout = layout.measure(begin, offset)
    return layout, begin


def not_allowed(peer: Peer, offset: int, field: str, value: object, allowed: str) -> RemoteProtocolError:
    """Make, not raise, the error that a peer's field has a value that is not allowed."""
    return RemoteProtocolError(peer, offset=offset, field=field, value=value, allowed=allowed)
