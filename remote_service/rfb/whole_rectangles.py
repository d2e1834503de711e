"""The encodings that screens are mostly made of: where such rectangles end, told at once by how they begin.

`rectangles` reads every rectangle, and whatever chunks it comes in; resuming its generators takes far longer than this.
What is not known here, whose begin is not all there, or what is not as it should be is left to it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import TypeAlias

from .buffer import Data
from .encodings import Encoding
from .pixel_format import PixelFormat
from .rectangles import MAX_BYTES, MAX_PIXELS
from .tight import MAX_WIDTH, UNCOMPRESSED_BELOW

Behind: TypeAlias = Callable[[Data, int, int, int, PixelFormat], int]
"""Takes the chunk, where in it the rectangle's body begins, width, height and format; returns where the body ends.

0 stands for a rectangle that `rectangles` has to read."""

LONGEST_BEGIN = 12
"""Bytes of a body that are looked at."""
_HEADER = struct.Struct(">4xHHi")
_LENGTH = struct.Struct(">I")
_FILL, _JPEG, _HAS_FILTER = 8, 9, 4
_PALETTE, _GRADIENT = 1, 2


def _raw(data: Data, at: int, width: int, height: int, format: PixelFormat) -> int:
    return at + width * height * format.size


def _copy_rect(data: Data, at: int, width: int, height: int, format: PixelFormat) -> int:
    return at + 4


def _counted(data: Data, at: int, width: int, height: int, format: PixelFormat) -> int:
    length: int = _LENGTH.unpack_from(data, at)[0]
    return at + 4 + length if length <= MAX_BYTES else 0


def _tight(data: Data, at: int, width: int, height: int, format: PixelFormat) -> int:
    pixel, control = format.tight_size, data[at] >> 4
    if pixel is None:
        return 0
    at += 1
    if control == _FILL:
        return at + pixel
    if control != _JPEG:
        if control > _FILL or width > MAX_WIDTH:
            return 0
        row = width * pixel
        if control & _HAS_FILTER:
            filter_id, at = data[at], at + 1
            if filter_id == _PALETTE:
                colours = data[at] + 1
                row = (width + 7) // 8 if colours <= 2 else width
                at += 1 + colours * pixel
                if at + 3 > len(data):
                    return 0
            elif filter_id > _GRADIENT:
                return 0
        if row * height < UNCOMPRESSED_BELOW:
            return at + row * height
    length, second = data[at], data[at + 1]
    if length < 0x80:
        return at + 1 + length
    if second < 0x80:
        return at + 2 + (length & 0x7F | second << 7)
    return at + 3 + (length & 0x7F | (second & 0x7F) << 7 | data[at + 2] << 14)


_BEHIND: Mapping[int, Behind] = {
    Encoding.RAW: _raw,
    Encoding.COPY_RECT: _copy_rect,
    Encoding.ZRLE: _counted,
    Encoding.ZLIB: _counted,
    Encoding.TIGHT: _tight,
}


def pass_over(data: Data, at: int, count: int, format: PixelFormat) -> tuple[int, int]:
    """Pass over rectangles, `count` at most, of which the first has its header at `at`.

    Returns:
        Where the last one ends, which may be behind the chunk's end; and how many there were.
    """
    passed, last = 0, len(data) - _HEADER.size - LONGEST_BEGIN
    while passed < count and at <= last:
        width, height, encoding = _HEADER.unpack_from(data, at)
        behind = _BEHIND.get(encoding)
        if behind is None or width * height > MAX_PIXELS:
            break
        upto = behind(data, at + _HEADER.size, width, height, format)
        if not upto:
            break
        at = upto
        passed += 1
    return at, passed
