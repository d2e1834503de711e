"""Dropping what somebody who may only look must not send: keys, pointer, clipboard, sizes, power.

The filter stands behind the handshake, from ClientInit on. It keeps viewer and VNC server in agreement about where
each message ends, which is why it changes two things: it strikes EXTENDED_MOUSE_BUTTONS from SetEncodings (see
`ClientMessageFramer`), and it always asks for a shared session, since a viewer that asks for an exclusive one has
the server throw all others out (RFC 6143 section 7.3.1).
"""

from __future__ import annotations

from .buffer import Data
from .layout import Fixed, Measured
from .message_table import EXTENDED_MOUSE_BUTTONS, LAYOUTS, MessageType, layout_of

SHARED = b"\x01"
"""The only ClientInit that passes."""

PASSED = frozenset(
    {
        MessageType.SET_PIXEL_FORMAT,
        MessageType.SET_ENCODINGS,
        MessageType.FRAMEBUFFER_UPDATE_REQUEST,
        MessageType.ENABLE_CONTINUOUS_UPDATES,
        MessageType.CLIENT_FENCE,
    }
)
"""What concerns the picture of this one viewer. Every other message that is known is dropped."""

_STRUCK = EXTENDED_MOUSE_BUTTONS.to_bytes(4, "big", signed=True)


class ViewOnlyFilter:
    """Passes what a looker needs and drops the rest, whatever chunks the stream comes in.

    Holds one message that passes (4100 bytes at most) and of a dropped one only its header; how much of it is still
    to come is counted.
    """

    def __init__(self) -> None:
        self._initialised = False
        self._held = bytearray()
        self._to_drop = 0
        self._offset = 0

    def __repr__(self) -> str:
        return f"<ViewOnlyFilter after {self._offset} bytes, {self._to_drop} to be dropped>"

    def feed(self, data: Data) -> bytes:
        """Take what the viewer sent, and return what the VNC server may have of it: whole messages only.

        Raises:
            RemoteProtocolError: an unknown message, or a length that is not allowed; offsets count from the byte
                after ClientInit. The framing is lost then: do not use this object any more.
        """
        self._held += data
        passed = bytearray()
        if not self._initialised:
            if not self._held:
                return b""
            self._initialised = True
            passed += SHARED
            del self._held[:1]
        at = 0
        while (length := self._next(at)) is not None:
            if self._to_drop:
                self._to_drop -= length
            else:
                passed += _harmless(bytes(self._held[at : at + length]))
            at += length
        del self._held[:at]
        self._offset += at
        return bytes(passed)

    def _next(self, at: int) -> int | None:
        """How many of the bytes from `at` on can be dealt with at once; None when more are needed.

        Of a message that is to be dropped those are what is there, and `_to_drop` says how many it has in all.
        """
        here = len(self._held) - at
        if not here:
            return None
        if not self._to_drop:
            layout = self._measure(at)
            if layout is None:
                return None
            if self._held[at] in PASSED:
                return layout.length if layout.length <= here else None
            self._to_drop = layout.length
        return min(self._to_drop, here)

    def _measure(self, at: int) -> Fixed | None:
        """The layout of the message at `at`; None while its header is not all there."""
        offset = self._offset + at
        layout = layout_of(self._held[at], LAYOUTS, offset)
        while isinstance(layout, Measured):
            header = bytes(self._held[at : at + layout.header])
            if len(header) < layout.header:
                return None
            layout = layout.measure(header, offset)
        return layout


def _harmless(message: bytes) -> bytes:
    """The message as it may pass."""
    if message[0] != MessageType.SET_ENCODINGS:
        return message
    entries = [message[at : at + 4] for at in range(4, len(message), 4)]
    kept = [entry for entry in entries if entry != _STRUCK]
    return message[:2] + len(kept).to_bytes(2, "big") + b"".join(kept)
