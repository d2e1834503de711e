"""The RFB messages that the test pattern understands and sends, as pure functions on bytes (RFC 6143).

Server messages are built by functions; client messages are cut off the front of a buffer by `next_message`,
which waits for more while one is incomplete.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from test_pattern_picture import Colour, Rect

RAW = 0
DESKTOP_SIZE = -223
"""Pseudo-encoding: the framebuffer has a new size (RFC 6143 section 7.8.2)."""
EXTENDED_DESKTOP_SIZE = -308
"""Pseudo-encoding: the same with screens and a reason; the client may ask for a size (IANA, RFB registry)."""

MAX_CUT_TEXT = 4096
"""Bytes of a clipboard text that are kept; the rest is read and dropped."""
MAX_SCREENS = 16
"""Screens in a SetDesktopSize message; more is taken for garbage."""


class ProtocolError(Exception):
    """The client sent what no viewer sends; the message says what."""


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """How a viewer wants its pixels (RFC 6143 section 7.4)."""

    bits: int
    big_endian: bool
    true_colour: bool
    maxima: tuple[int, int, int]
    shifts: tuple[int, int, int]

    @classmethod
    def parse(cls, data: Buffer) -> PixelFormat:
        """Reads the 16 bytes of a PIXEL_FORMAT.

        Without true colour the pixels are indices into `colour_map`.

        Raises:
            ProtocolError: not 8, 16 or 32 bits per pixel, or the three colours do not fit into them.
        """
        bits, _depth, big, true, red, green, blue, *shifts = struct.unpack("!BBBBHHHBBB3x", data)
        if bits not in (8, 16, 32):
            raise ProtocolError(f"the viewer asked for {bits} bits per pixel; expected 8, 16 or 32")
        maxima, places = (red, green, blue), (shifts[0], shifts[1], shifts[2])
        if not true:
            return cls(bits, bool(big), False, (7, 7, 3), (0, 3, 6))
        if any(m << s >= 1 << bits for m, s in zip(maxima, places, strict=True)):
            raise ProtocolError(f"the viewer asked for colours up to {maxima} at {places} in {bits} bits")
        return cls(bits, bool(big), True, maxima, places)

    def pack(self) -> bytes:
        """The 16 bytes of a PIXEL_FORMAT."""
        depth = sum(maximum.bit_length() for maximum in self.maxima)
        flags = (int(self.big_endian), int(self.true_colour))
        return struct.pack("!BBBBHHHBBB3x", self.bits, depth, *flags, *self.maxima, *self.shifts)

    def pixel(self, colour: Colour) -> bytes:
        """The bytes of one pixel in this colour, rounded to what the format can say."""
        value = 0
        for level, maximum, shift in zip(colour, self.maxima, self.shifts, strict=True):
            value |= (level * maximum + 127) // 255 << shift
        return value.to_bytes(self.bits // 8, "big" if self.big_endian else "little")


NATIVE = PixelFormat(32, False, True, (255, 255, 255), (16, 8, 0))
"""What the server offers: blue, green, red and a byte of nothing."""


@dataclass(frozen=True, slots=True)
class SetEncodings:
    """The encodings that the viewer knows, best first (7.5.2)."""

    encodings: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class UpdateRequest:
    """Send this area: what changed in it, or all of it (7.5.3)."""

    incremental: bool
    area: Rect


@dataclass(frozen=True, slots=True)
class Key:
    """A key went down or up; the keysym is X11's (7.5.4)."""

    down: bool
    keysym: int


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where the pointer is and which buttons are down, bit 0 the left one (7.5.5)."""

    buttons: int
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class CutText:
    """The viewer's clipboard, its first bytes (7.5.6)."""

    text: str


@dataclass(frozen=True, slots=True)
class SetDesktopSize:
    """The viewer wants the framebuffer in this size (message 251)."""

    width: int
    height: int


Message = PixelFormat | SetEncodings | UpdateRequest | Key | Pointer | CutText | SetDesktopSize
Buffer = bytes | bytearray
Parsed = tuple[Message | None, int]
"""A message (None: nothing that concerns us) and its length, which may go beyond what the buffer holds."""


def _pixel_format(data: Buffer) -> Parsed | None:
    return (PixelFormat.parse(data[4:20]), 20) if len(data) >= 20 else None


def _encodings(data: Buffer) -> Parsed | None:
    if len(data) < 4:
        return None
    (count,) = struct.unpack_from("!H", data, 2)
    end = 4 + 4 * count
    return (SetEncodings(struct.unpack_from(f"!{count}i", data, 4)), end) if len(data) >= end else None


def _update_request(data: Buffer) -> Parsed | None:
    if len(data) < 10:
        return None
    incremental, *area = struct.unpack_from("!BHHHH", data, 1)
    return UpdateRequest(bool(incremental), Rect(*area)), 10


def _key(data: Buffer) -> Parsed | None:
    if len(data) < 8:
        return None
    down, keysym = struct.unpack_from("!BxxI", data, 1)
    return Key(bool(down), keysym), 8


def _pointer(data: Buffer) -> Parsed | None:
    return (Pointer(*struct.unpack_from("!BHH", data, 1)), 6) if len(data) >= 6 else None


def _cut_text(data: Buffer) -> Parsed | None:
    if len(data) < 8:
        return None
    (length,) = struct.unpack_from("!i", data, 4)
    if length < 0:  # the extended clipboard; not announced, so its content means nothing here
        return None, 8 - length
    kept = min(length, MAX_CUT_TEXT)
    if len(data) < 8 + kept:
        return None
    return CutText(data[8 : 8 + kept].decode("latin-1")), 8 + length


def _set_desktop_size(data: Buffer) -> Parsed | None:
    if len(data) < 8:
        return None
    width, height, screens = struct.unpack_from("!HHB", data, 2)
    if screens > MAX_SCREENS:
        raise ProtocolError(f"the viewer asked for {screens} screens; expected at most {MAX_SCREENS}")
    end = 8 + 16 * screens
    return (SetDesktopSize(width, height), end) if len(data) >= end else None


def _ignored(length: int) -> Callable[[Buffer], Parsed | None]:
    return lambda data: (None, length) if len(data) >= length else None


def _fence(data: Buffer) -> Parsed | None:
    return (None, 9 + data[8]) if len(data) >= 9 else None


def _qemu(data: Buffer) -> Parsed | None:
    if len(data) < 4:
        return None
    if data[1] == 0:  # an extended key event
        return None, 12
    return None, 10 if data[3] == 2 else 4  # audio: set format, enable, disable


_READERS: dict[int, Callable[[Buffer], Parsed | None]] = {
    0: _pixel_format,
    2: _encodings,
    3: _update_request,
    4: _key,
    5: _pointer,
    6: _cut_text,
    # Extensions that are not announced, but whose length is known: read and ignored.
    150: _ignored(10),  # EnableContinuousUpdates
    248: _fence,
    250: _ignored(4),  # xvp
    251: _set_desktop_size,
    255: _qemu,
}


def next_message(data: Buffer) -> Parsed | None:
    """The message at the front of `data`, or None while it is incomplete.

    Raises:
        ProtocolError: it is of an unknown type or cannot be; nothing behind it can be understood.
    """
    if not data:
        return None
    reader = _READERS.get(data[0])
    if reader is None:
        raise ProtocolError(f"the viewer sent a message of type {data[0]}; expected one of {sorted(_READERS)}")
    return reader(data)


def server_init(width: int, height: int, name: str) -> bytes:
    """The ServerInit message (7.3.2)."""
    title = name.encode()
    return struct.pack("!HH16sI", width, height, NATIVE.pack(), len(title)) + title


def refusal(reason: str) -> bytes:
    """In place of the list of security types: none, and why (7.1.2)."""
    text = reason.encode()
    return struct.pack("!BI", 0, len(text)) + text


def update_header(rectangles: int) -> bytes:
    """The beginning of a FramebufferUpdate (7.6.1)."""
    return struct.pack("!BxH", 0, rectangles)


def rectangle_header(area: Rect, encoding: int) -> bytes:
    """The beginning of one rectangle in it."""
    return struct.pack("!HHHHi", *area, encoding)


def extended_desktop_size(width: int, height: int, reason: int, status: int) -> bytes:
    """A rectangle that gives the size, with one screen.

    Args:
        width: pixels.
        height: pixels.
        reason: 0 the server did it, 1 this viewer asked, 2 another viewer asked.
        status: 0 done, 3 no such layout; the size given is then the one that stays.
    """
    screen = struct.pack("!B3xIHHHHI", 1, 0, 0, 0, width, height, 0)
    return rectangle_header(Rect(reason, status, width, height), EXTENDED_DESKTOP_SIZE) + screen


def colour_map() -> bytes:
    """SetColourMapEntries for viewers without true colour: 3 bits red, 3 green, 2 blue (7.6.2)."""
    entries = (((i & 7, 7), (i >> 3 & 7, 7), (i >> 6, 3)) for i in range(256))
    levels = (level * 65535 // top for entry in entries for level, top in entry)
    return struct.pack("!BxHH768H", 1, 0, 256, *levels)
