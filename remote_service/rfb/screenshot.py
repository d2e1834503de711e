"""One picture of a screen: the smallest client that RFB allows, from ClientInit on (RFC 6143 section 7.3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .buffer import Data, ExactReader, Steps
from .errors import Peer

RAW = 0
MOST_NAME = 4096
MOST_ROW = 4 * 65535
MOST_PIXELS = 64 * 1024 * 1024
"""Pixels of a screen that is still pictured: 8192 x 8192; the picture then takes 256 MB."""

_SHARED = b"\x01"
_PIXEL_FORMAT = struct.pack(">BBBBHHHBBB3x", 32, 24, 0, 1, 255, 255, 255, 0, 8, 16)
"""Four bytes a pixel: red, green, blue and one that means nothing (section 7.4)."""


@dataclass(frozen=True, slots=True)
class Screenshot:
    """A picture. `pixels` has 4 bytes a pixel (red, green, blue, nothing), row by row."""

    name: str
    width: int
    height: int
    pixels: bytes

    @property
    def blank(self) -> bool:
        """Whether all pixels have one colour."""
        return self.pixels == self.pixels[:4] * (self.width * self.height)


class ScreenshotClient:
    """Bytes in, bytes out; `screenshot` is set once the whole screen has come."""

    def __init__(self) -> None:
        self.screenshot: Screenshot | None = None
        self._reader = ExactReader(Peer.VNC_SERVER, cap=MOST_ROW)
        self._out = bytearray(_SHARED)
        self._steps = self._run()
        self._advance()

    def to_send(self) -> bytes:
        """What to send to the server now; ClientInit at first."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def receive(self, data: Data) -> None:
        """Takes what the server sent.

        Raises:
            RemoteProtocolError: it is no RFB, or a screen larger than `MOST_PIXELS`.
        """
        self._reader.feed(data)
        self._advance()

    def ask_for_changes(self) -> None:
        """Asks for what changes after the picture that is there; `screenshot` is None until something has."""
        before = self.screenshot
        assert before is not None, "changes are asked for when there is a picture"
        self._out += struct.pack(">BBHHHH", 3, 1, 0, 0, before.width, before.height)
        self._steps = self._draw(before, 1)
        self.screenshot = None
        self._advance()

    def _advance(self) -> None:
        if self.screenshot is None:
            try:
                next(self._steps)
            except StopIteration as end:
                self.screenshot = end.value

    def _run(self) -> Steps[Screenshot]:
        reader = self._reader
        width, height = struct.unpack(">HH", (yield from reader.read_exact(4, "framebuffer size")))
        if not 0 < width * height <= MOST_PIXELS:
            raise reader.error("framebuffer size", f"{width}x{height}", f"1 to {MOST_PIXELS} pixels", back=4)
        yield from reader.read_exact(16, "pixel format")
        length = yield from reader.read_uint(4, "name-length")
        if length > MOST_NAME:
            raise reader.error("name-length", length, f"at most {MOST_NAME}", back=4)
        name = (yield from reader.read_exact(length, "name")).decode(errors="replace")
        self._out += b"\0\0\0\0" + _PIXEL_FORMAT
        self._out += struct.pack(">BxHi", 2, 1, RAW)
        self._out += struct.pack(">BBHHHH", 3, 0, 0, 0, width, height)
        black = Screenshot(name, width, height, bytes(width * height * 4))
        return (yield from self._draw(black, width * height))

    def _draw(self, on: Screenshot, pixels: int) -> Steps[Screenshot]:
        """Reads updates until `pixels` pixels have come, drawn over an older picture."""
        canvas = bytearray(on.pixels)
        covered = 0
        while covered < pixels:
            covered += yield from self._message(canvas, on.width, on.height)
        return Screenshot(on.name, on.width, on.height, bytes(canvas))

    def _message(self, canvas: bytearray, width: int, height: int) -> Steps[int]:
        """Reads one message of the server (section 7.6); returns how many pixels it brought."""
        reader = self._reader
        kind = yield from reader.read_uint(1, "message-type")
        if kind == 0:
            return (yield from self._update(canvas, width, height))
        if kind == 1:
            first = yield from reader.read_exact(5, "SetColourMapEntries")
            for _ in range(int.from_bytes(first[3:], "big")):
                yield from reader.read_exact(6, "colour")
        elif kind == 3:
            header = yield from reader.read_exact(7, "ServerCutText")
            left = int.from_bytes(header[3:], "big")
            while left:
                left -= len((yield from reader.read_exact(min(left, 4096), "cut text")))
        elif kind != 2:
            raise reader.error("message-type", kind, "0 to 3", back=1)
        return 0

    def _update(self, canvas: bytearray, width: int, height: int) -> Steps[int]:
        reader = self._reader
        header = yield from reader.read_exact(3, "FramebufferUpdate")
        covered = 0
        for _ in range(int.from_bytes(header[1:], "big")):
            x, y, w, h, encoding = struct.unpack(">HHHHi", (yield from reader.read_exact(12, "rectangle")))
            if encoding != RAW or x + w > width or y + h > height:
                what = f"encoding {encoding} at {x},{y} of {w}x{h}"
                raise reader.error("rectangle", what, f"encoding {RAW} inside {width}x{height}", back=12)
            for row in range(y, y + h):
                at = (row * width + x) * 4
                canvas[at : at + w * 4] = yield from reader.read_exact(w * 4, "pixels")
            covered += w * h
        return covered
