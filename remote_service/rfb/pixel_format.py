"""How many bytes a pixel has, and since when: RFC 6143 section 7.4, and 7.5.1 for changes of it.

The server's bytes do not say where a new format begins: RFC 6143 leaves it to viewers not to change the format while
an update is on its way. Whoever follows the server's bytes depends on that, so it is enforced here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .errors import Peer
from .layout import not_allowed

SIZE = 16
"""Bytes of a PIXEL_FORMAT."""

_FIELDS = struct.Struct(">BBBBHHHBBB3x")


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """What of a pixel format decides about lengths.

    Attributes:
        size: bytes of a PIXEL.
        tight_size: bytes of a TPIXEL (rfbproto, Tight Encoding); None where servers do not agree about it.
    """

    size: int
    tight_size: int | None

    @classmethod
    def parse(cls, data: bytes, *, peer: Peer, offset: int) -> PixelFormat:
        """Read a PIXEL_FORMAT that stands at `offset`.

        Raises:
            RemoteProtocolError: a pixel of other than 8, 16 or 32 bits.
        """
        bits, depth, _, true_colour, red, green, blue, *shifts = _FIELDS.unpack(data)
        if bits not in (8, 16, 32):
            raise not_allowed(peer, offset, "bits-per-pixel", bits, "8, 16 or 32")
        if bits < 32:
            return cls(bits // 8, bits // 8)
        # Some servers go by all of these, some only by the maxima: in between nobody knows.
        wide = (red, green, blue) == (255, 255, 255)
        packed = wide and true_colour and depth == 24 and set(shifts) <= {0, 8, 16, 24} and len(set(shifts)) == 3
        return cls(4, 3 if packed else None if wide or not true_colour else 4)


class FormatInForce:
    """Which pixel format the next FramebufferUpdate has.

    Both directions of a connection tell it what they see.
    """

    def __init__(self) -> None:
        self._format: PixelFormat | None = None
        self._asked = 0  # updates that may be on their way: none, one, or nobody knows how many (2)

    def initial(self, format: PixelFormat) -> None:
        """Take the server's own format, unless the viewer has set another one already."""
        if self._format is None:
            self._format = format

    def set(self, format: PixelFormat, offset: int) -> None:
        """Take the viewer's, whose PIXEL_FORMAT stands at `offset`; it holds from the next update on.

        Raises:
            RemoteProtocolError: updates may be on their way whose pixels have another size.
        """
        if format == self._format:
            return
        if self._asked:
            allowed = "no other size of pixels while updates are on their way (RFC 6143 section 7.5.1)"
            raise not_allowed(Peer.VIEWER, offset, "SetPixelFormat", f"{8 * format.size} bits a pixel", allowed)
        if format.tight_size is None:
            allowed = "a depth of 24 and shifts of whole bytes where colours have 8 bits each"
            raise not_allowed(Peer.VIEWER, offset, "SetPixelFormat", "32 bits a pixel of another kind", allowed)
        self._format = format

    def update_was_asked_for(self) -> None:
        """A request goes to the server; a second one before the answer leaves it open what is answered when."""
        self._asked = min(self._asked + 1, 2)

    def updates_come_unasked(self) -> None:
        """The server sends updates by itself from now on."""
        self._asked = 2

    def update_begins(self) -> PixelFormat:
        """A FramebufferUpdate begins; return its format."""
        assert self._format is not None, "ServerInit comes first"
        if self._asked == 1:
            self._asked = 0
        return self._format
