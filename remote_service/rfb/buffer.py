"""Reading exact numbers of bytes from a stream that arrives in chunks of any size.

A parser is a generator: it says `yield from reader.read_exact(4, "SecurityResult")` where it needs four bytes
and so reads as straight-line code, and it is resumed by `next` each time something new was fed. It yields
nothing but the fact that bytes are missing.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar

from .errors import Peer, RemoteProtocolError

_T = TypeVar("_T")

Steps: TypeAlias = Generator[None, None, _T]
"""A parser: yields while bytes are missing, returns what it read."""

Data: TypeAlias = bytes | bytearray | memoryview
"""Received bytes, in whatever form the transport has them; a memoryview has to be one of single bytes."""


class ExactReader:
    """Holds the bytes that were received and not read yet.

    Memory is bounded by `cap` plus what the caller feeds while nobody reads: a read of more than `cap` bytes
    is refused before it waits for the first of them.

    Attributes:
        offset: how many bytes were read so far, that is where the next field begins.
        waiting_for: the field of the last read, for a message about a peer that went silent or away.
    """

    def __init__(self, peer: Peer, *, cap: int) -> None:
        """Start empty.

        Args:
            peer: who sends these bytes, for error messages.
            cap: the longest field that will be read, in bytes.
        """
        self.offset = 0
        self.waiting_for = "the first byte"
        self._peer = peer
        self._cap = cap
        self._buffer = bytearray()

    def __len__(self) -> int:
        return len(self._buffer)

    def __repr__(self) -> str:
        """Tell the position only: the bytes may belong to a password exchange."""
        return f"<ExactReader of the {self._peer.value} at byte {self.offset}, {len(self)} unread>"

    def feed(self, data: Data) -> None:
        """Append what was received."""
        self._buffer += data

    def peek(self, size: int) -> bytes:
        """Return up to `size` unread bytes without reading them."""
        return bytes(self._buffer[:size])

    def take_rest(self) -> bytes:
        """Read and return all that is there."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        self.offset += len(rest)
        return rest

    def read_exact(self, size: int, field: str) -> Steps[bytes]:
        """Read `size` bytes, yielding while they are not all there.

        Raises:
            RemoteProtocolError: `size` is above the cap; raised before anything is waited for.
        """
        self.waiting_for = field
        if size > self._cap:
            raise self.error(f"the length of {field}", size, f"at most {self._cap} bytes")
        while len(self._buffer) < size:
            yield
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        self.offset += size
        return taken

    def read_uint(self, size: int, field: str) -> Steps[int]:
        """Read an unsigned integer of `size` bytes; RFB is big-endian throughout (RFC 6143 section 7)."""
        return int.from_bytes((yield from self.read_exact(size, field)), "big")

    def error(self, field: str, value: object, allowed: str, *, back: int = 0) -> RemoteProtocolError:
        """Make, not raise, the error that what was found `back` bytes before this position is not allowed."""
        return RemoteProtocolError(self._peer, offset=self.offset - back, field=field, value=value, allowed=allowed)
