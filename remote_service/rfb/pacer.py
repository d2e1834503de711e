"""Asking a VNC server for pictures no more often than allowed: RFC 6143 section 7.5.3.

What comes too early is held back, as one request for all that was asked since. A viewer that was promised pictures
without asking (rfbproto, EnableContinuousUpdates) would escape that; so its server is not told, and it is asked on the
viewer's behalf, as often as the limit allows.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from .message_table import MessageType

_MESSAGE = struct.Struct(">BBHHHH")
"""FramebufferUpdateRequest and EnableContinuousUpdates: type, a flag, x, y, width, height."""
_MOST = 0xFFFF


@dataclass(frozen=True, slots=True)
class Request:
    """A part of the screen that a viewer wants to see; `incremental` where it knows what was there before."""

    incremental: bool
    x: int
    y: int
    width: int
    height: int

    @classmethod
    def parse(cls, message: bytes) -> Request:
        """Read either message; what switches continuous updates on or off asks for no whole picture."""
        kind, flag, x, y, width, height = _MESSAGE.unpack(message)
        return cls(bool(flag) or kind == MessageType.ENABLE_CONTINUOUS_UPDATES, x, y, width, height)

    def __or__(self, other: Request) -> Request:
        """The smallest request that asks for both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        width = max(self.x + self.width, other.x + other.width) - x
        height = max(self.y + self.height, other.y + other.height) - y
        return Request(self.incremental and other.incremental, x, y, min(width, _MOST), min(height, _MOST))

    def pack(self) -> bytes:
        """The FramebufferUpdateRequest."""
        return self._pack(MessageType.FRAMEBUFFER_UPDATE_REQUEST, self.incremental)

    def pack_continuous(self, on: bool) -> bytes:
        """The EnableContinuousUpdates for the same part of the screen."""
        return self._pack(MessageType.ENABLE_CONTINUOUS_UPDATES, on)

    def _pack(self, kind: int, flag: bool) -> bytes:
        return _MESSAGE.pack(kind, flag, self.x, self.y, self.width, self.height)


class Pacer:
    """Holds one request; what it returns goes to the VNC server.

    Attributes:
        rate: requests a second, or None for no limit. It may be set at any time; `release` then tells what changes.
    """

    def __init__(self, clock: Callable[[], float], rate: float | None) -> None:
        """Start.

        Args:
            clock: seconds that never go back.
            rate: see the attribute.
        """
        self.rate = rate
        self._clock = clock
        self._last = -inf
        self._held: Request | None = None
        self._continuous: Request | None = None  # what the viewer was promised
        self._told = False  # whether the server sends by itself

    @property
    def continuous(self) -> bool:
        """Whether the server sends by itself."""
        return self._told

    @property
    def due(self) -> float | None:
        """When, by the clock, `release` has something to return; None when nothing is held."""
        if self._told != self._tell:
            return self._clock()
        return None if self._wanted is None else max(self._clock(), self._earliest)

    def ask(self, message: bytes) -> bytes:
        """Take a FramebufferUpdateRequest, and return what may be asked now."""
        asked = Request.parse(message)
        self._held = asked if self._held is None else self._held | asked
        return self.release()

    def promise(self, message: bytes) -> bytes:
        """Take an EnableContinuousUpdates, and return what the server is to be told or asked now."""
        on = message[1] != 0
        self._continuous = Request.parse(message) if on else None
        if self.rate is not None and on:
            return self.release()
        # Off is passed even where the server never heard of on: viewers wait for its EndOfContinuousUpdates.
        self._told = on
        return message

    def release(self) -> bytes:
        """Return what is due."""
        out = b""
        if self._told != self._tell and self._continuous is not None:
            self._told = self._tell
            out = self._continuous.pack_continuous(self._told)
        wanted, now = self._wanted, self._clock()
        if wanted is not None and now >= self._earliest:
            self._held, self._last = None, now
            out += wanted.pack()
        return out

    @property
    def _tell(self) -> bool:
        """Whether the server should send by itself."""
        return self._continuous is not None and self.rate is None

    @property
    def _wanted(self) -> Request | None:
        if self._continuous is None or self.rate is None:
            return self._held
        return self._continuous if self._held is None else self._held | self._continuous

    @property
    def _earliest(self) -> float:
        return -inf if self.rate is None else self._last + 1 / self.rate
