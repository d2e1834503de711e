"""How long each rectangle of a FramebufferUpdate is: RFC 6143 section 7.7, rfbproto for the rest.

A table of generators over a `Sieve`: they read what tells lengths and skip pixels. Encodings whose length cannot be
told in a few steps are not here; `encodings` says which and why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .encodings import Encoding
from .errors import Peer, RemoteProtocolError
from .layout import not_allowed
from .pixel_format import PixelFormat
from .sieve import Walk, skip
from .tight import read_tight, read_tight_png

MAX_PIXELS = 1 << 28
"""Pixels of a rectangle: 16384 x 16384."""
MAX_BYTES = 4 * MAX_PIXELS
"""Bytes of a rectangle's compressed data: it is never longer than its pixels are."""
MAX_CURSOR_SIDE = 1024
"""Width or height of a cursor: those of real servers stay below 512."""
MAX_NAME = 4096
"""Bytes of a desktop's name: a line of text."""
ALPHA_FORMAT = PixelFormat(4, 4)
"""Of a Cursor With Alpha, whatever the viewer has set."""


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A rectangle's header (RFC 6143 section 7.6.1) and what else its length depends on."""

    width: int
    height: int
    encoding: int
    format: PixelFormat
    offset: int
    """Of the byte behind the header."""

    @property
    def pixels(self) -> int:
        """How many pixels it has."""
        return self.width * self.height

    def error(self, field: str, value: object, allowed: str, *, at: int = 0) -> RemoteProtocolError:
        """Make the error that the field `at` bytes behind the header is not allowed."""
        return not_allowed(Peer.VNC_SERVER, self.offset + at, field, value, allowed)


Measure = Callable[[Rectangle], Walk[None]]


def _fixed(size: int) -> Measure:
    def measure(rectangle: Rectangle) -> Walk[None]:
        return skip(size)

    return measure


def _raw(rectangle: Rectangle) -> Walk[None]:
    return skip(rectangle.pixels * rectangle.format.size)


def _subrectangles(place: int) -> Measure:
    """RRE and CoRRE: a U32 count, a background pixel, and that many of a pixel and `place` bytes."""

    def measure(rectangle: Rectangle) -> Walk[None]:
        count = int.from_bytes((yield 4), "big")
        if count > rectangle.pixels:
            raise rectangle.error("number-of-subrectangles", count, f"at most {rectangle.pixels}, its pixels")
        yield from skip(rectangle.format.size + count * (rectangle.format.size + place))

    return measure


def _counted(field: str, most: int, *, more: int = 0) -> Measure:
    """A U32 length, `more` bytes, and what was counted."""

    def measure(rectangle: Rectangle) -> Walk[None]:
        length = int.from_bytes((yield 4), "big")
        if length > most:
            raise rectangle.error(field, length, f"at most {most} bytes")
        yield from skip(more + length)

    return measure


_BACKGROUND, _FOREGROUND, _SUBRECTANGLES, _COLOURED = 2, 4, 8, 16


def _hextile(rectangle: Rectangle) -> Walk[None]:
    size = rectangle.format.size
    for y in range(0, rectangle.height, 16):
        for x in range(0, rectangle.width, 16):
            mask = (yield 1)[0]
            if mask & 1:
                yield from skip(min(16, rectangle.width - x) * min(16, rectangle.height - y) * size)
                continue
            yield from skip(size * (bool(mask & _BACKGROUND) + bool(mask & _FOREGROUND)))
            if mask & _SUBRECTANGLES:
                yield from skip((yield 1)[0] * (2 + (size if mask & _COLOURED else 0)))


def _small(rectangle: Rectangle) -> None:
    if max(rectangle.width, rectangle.height) > MAX_CURSOR_SIDE:
        found = f"{rectangle.width}x{rectangle.height}"
        raise rectangle.error("cursor size", found, f"at most {MAX_CURSOR_SIDE}x{MAX_CURSOR_SIDE}", at=-8)


def _mask(rectangle: Rectangle) -> int:
    return (rectangle.width + 7) // 8 * rectangle.height


def _cursor(rectangle: Rectangle) -> Walk[None]:
    _small(rectangle)
    return skip(rectangle.pixels * rectangle.format.size + _mask(rectangle))


def _x_cursor(rectangle: Rectangle) -> Walk[None]:
    _small(rectangle)
    return skip(6 + 2 * _mask(rectangle) if rectangle.pixels else 0)


def _cursor_with_alpha(rectangle: Rectangle) -> Walk[None]:
    _small(rectangle)
    encoding = int.from_bytes((yield 4), "big", signed=True)
    if encoding not in _ALPHA:
        raise rectangle.error("encoding of a cursor with alpha", encoding, f"one of {_listed(_ALPHA)}")
    inner = Rectangle(rectangle.width, rectangle.height, encoding, ALPHA_FORMAT, rectangle.offset + 4)
    yield from RECTANGLES[encoding](inner)


def _vmware_cursor(rectangle: Rectangle) -> Walk[None]:
    _small(rectangle)
    kind = (yield 2)[0]
    if kind > 1:
        raise rectangle.error("cursor-type", kind, "0 (classic) or 1 (alpha)")
    yield from skip(rectangle.pixels * (4 if kind else 2 * rectangle.format.size))


def _extended_desktop_size(rectangle: Rectangle) -> Walk[None]:
    yield from skip(16 * (yield 4)[0])


def _tight(rectangle: Rectangle) -> Walk[None]:
    return read_tight(rectangle.width, rectangle.height, rectangle.format.tight_size, rectangle.error)


def _tight_png(rectangle: Rectangle) -> Walk[None]:
    return read_tight_png(rectangle.format.tight_size, rectangle.error)


def _listed(numbers: frozenset[int] | Mapping[int, Measure]) -> str:
    return ", ".join(str(int(number)) for number in sorted(numbers))


_ALPHA: frozenset[int] = frozenset({Encoding.RAW, Encoding.ZLIB, Encoding.ZRLE})
"""How a Cursor With Alpha may be encoded: without assumptions about what a pixel is."""

RECTANGLES: Mapping[int, Measure] = {
    # RFC 6143 section 7.7.1 to 7.7.6, without TRLE
    Encoding.RAW: _raw,
    Encoding.COPY_RECT: _fixed(4),
    Encoding.RRE: _subrectangles(8),
    Encoding.HEXTILE: _hextile,
    Encoding.ZRLE: _counted("ZRLE length", MAX_BYTES),
    # RFC 6143 section 7.8.1 and 7.8.2
    Encoding.CURSOR: _cursor,
    Encoding.DESKTOP_SIZE: _fixed(0),
    # rfbproto
    Encoding.CORRE: _subrectangles(4),
    Encoding.ZLIB: _counted("zlib length", MAX_BYTES),
    Encoding.TIGHT: _tight,
    Encoding.TIGHT_PNG: _tight_png,
    Encoding.H264: _counted("H.264 length", MAX_BYTES, more=4),
    Encoding.LAST_RECT: _fixed(0),
    Encoding.X_CURSOR: _x_cursor,
    Encoding.QEMU_POINTER_MOTION: _fixed(0),
    Encoding.QEMU_KEY_EVENT: _fixed(0),
    Encoding.QEMU_AUDIO: _fixed(0),
    Encoding.QEMU_LED_STATE: _fixed(1),
    Encoding.DESKTOP_NAME: _counted("name-length", MAX_NAME),
    Encoding.EXTENDED_DESKTOP_SIZE: _extended_desktop_size,
    Encoding.CURSOR_WITH_ALPHA: _cursor_with_alpha,
    Encoding.EXTENDED_MOUSE_BUTTONS: _fixed(0),
    Encoding.VMWARE_CURSOR: _vmware_cursor,
    Encoding.VMWARE_CURSOR_STATE: _fixed(2),
    Encoding.VMWARE_CURSOR_POSITION: _fixed(0),
    Encoding.VMWARE_KEY_REPEAT: _fixed(10),
    Encoding.VMWARE_LED_STATE: _fixed(4),
    Encoding.VMWARE_STATE: _fixed(2),
}
"""What reads a rectangle behind its header."""


def read_rectangle(rectangle: Rectangle) -> Walk[None]:
    """Read a rectangle behind its header.

    Raises:
        RemoteProtocolError: an encoding whose length cannot be told, or a length that is not allowed.
    """
    measure = RECTANGLES.get(rectangle.encoding)
    if measure is None:
        raise rectangle.error("encoding-type", rectangle.encoding, f"one of {_listed(RECTANGLES)}", at=-4)
    # Screens may be resized to any size, which is no length.
    if rectangle.encoding >= 0 and rectangle.pixels > MAX_PIXELS:
        found = f"{rectangle.width}x{rectangle.height}"
        raise rectangle.error("rectangle size", found, f"at most {MAX_PIXELS} pixels", at=-8)
    return measure(rectangle)
