"""How long a rectangle of the Tight and Tight PNG encodings is (rfbproto, Tight Encoding, Tight PNG Encoding)."""

from __future__ import annotations

from collections.abc import Callable

from .errors import RemoteProtocolError
from .sieve import Walk, skip

UNCOMPRESSED_BELOW = 12
"""Bytes of filtered pixels that are still sent without zlib, and without a length."""
MAX_WIDTH = 2048
"""Pixels; the encoding's own limit. Servers have sent wider rectangles of one colour."""

_FILL, _JPEG, _PNG = 8, 9, 10
_NOT_BASIC, _HAS_FILTER = 8, 4
_COPY, _PALETTE, _GRADIENT = 0, 1, 2

Error = Callable[[str, object, str], RemoteProtocolError]
"""Makes the error that a field's value is not what is allowed."""


def read_tight(width: int, height: int, pixel: int | None, error: Error) -> Walk[None]:
    """Read a rectangle of Tight; `pixel` is how many bytes a TPIXEL has.

    Raises:
        RemoteProtocolError: a compression or filter that does not exist, too wide a rectangle, or no such `pixel`.
    """
    pixel = _known(pixel, error)
    control = (yield 1)[0] >> 4
    if control == _FILL:
        yield from skip(pixel)
    elif control == _JPEG:
        yield from _compressed()
    elif control & _NOT_BASIC:
        raise error("Tight compression-control", control, "0 to 9 in its upper four bits")
    elif width > MAX_WIDTH:
        raise error("Tight width", width, f"at most {MAX_WIDTH}")
    else:
        yield from _basic(width, height, pixel, bool(control & _HAS_FILTER), error)


def read_tight_png(pixel: int | None, error: Error) -> Walk[None]:
    """Read a rectangle of Tight PNG, which knows no basic compression.

    Raises:
        RemoteProtocolError: a compression that does not exist.
    """
    pixel = _known(pixel, error)
    control = (yield 1)[0] >> 4
    if control == _FILL:
        yield from skip(pixel)
    elif control in (_JPEG, _PNG):
        yield from _compressed()
    else:
        raise error("Tight PNG compression-control", control, "8, 9 or 10 in its upper four bits")


def _known(pixel: int | None, error: Error) -> int:
    if pixel is None:
        raise error("pixel format of a Tight rectangle", "ambiguous", "a depth of 24 where colours have 8 bits each")
    return pixel


def _basic(width: int, height: int, pixel: int, has_filter: bool, error: Error) -> Walk[None]:
    row = width * pixel
    kind = (yield 1)[0] if has_filter else _COPY
    if kind == _PALETTE:
        colours = (yield 1)[0] + 1
        yield from skip(colours * pixel)
        row = (width + 7) // 8 if colours <= 2 else width
    elif kind > _GRADIENT:
        raise error("Tight filter-id", kind, "0 (copy), 1 (palette) or 2 (gradient)")
    if row * height < UNCOMPRESSED_BELOW:
        yield from skip(row * height)
    else:
        yield from _compressed()


def _compressed() -> Walk[None]:
    """A length in one to three bytes, the lowest seven bits first, and what it counts: 4 MiB at most."""
    length = 0
    for shift in (0, 7, 14):
        byte = (yield 1)[0]
        if shift == 14:
            length |= byte << shift
        else:
            length |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
    yield from skip(length)
