"""A small RFB client for tests (RFC 6143): knows raw pixels, both kinds of new size, None and VncAuth.

Written apart from the product's own RFB code, so that the two check each other.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, Self

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from PIL import Image

from remote_service.endpoints import Endpoint, EndpointKind

RAW, DESKTOP_SIZE, EXTENDED_DESKTOP_SIZE = 0, -223, -308
RETURN, BACKSPACE, SHIFT, CONTROL = 0xFF0D, 0xFF08, 0xFFE1, 0xFFE3


class Rectangle(NamedTuple):
    """One rectangle of an update."""

    x: int
    y: int
    width: int
    height: int
    encoding: int


class Viewer:
    """A connection behind its handshake; `pixels` holds what was received, four bytes a pixel."""

    def __init__(
        self,
        endpoint: Endpoint,
        password: str | None = None,
        *,
        version: str = "003.008",
        timeout: float = 10.0,
    ) -> None:
        """Connects and logs in.

        Raises:
            PermissionError: the server refused; the message is the server's reason.
        """
        if endpoint.kind is EndpointKind.UNIX:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(endpoint.path)
        else:
            self.socket = socket.create_connection((endpoint.host, endpoint.port), timeout)
        self._file = self.socket.makefile("rb")
        self.bytes_per_pixel = 4
        try:
            self._log_in(version, password)
        except BaseException:
            self.close()
            raise

    def _log_in(self, version: str, password: str | None) -> None:
        self.banner = self.read(12)
        self.send(f"RFB {version}\n".encode())
        if version < "003.007":
            self.security_types = [self.number(4)]
        else:
            self.security_types = list(self.read(self.number(1)))
            if not self.security_types:
                raise PermissionError(self.text())
            self.send(bytes([2 if password is not None else 1]))
        if password is not None:
            key = bytes(int(f"{byte:08b}"[::-1], 2) for byte in password.encode()[:8].ljust(8, b"\0"))
            encryptor = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()
            self.send(encryptor.update(self.read(16)) + encryptor.finalize())
        if (version >= "003.008" or password is not None) and self.number(4) != 0:
            raise PermissionError(self.text())
        self.send(b"\1")
        self.width, self.height = self.number(2), self.number(2)
        self.pixel_format = self.read(16)
        self.name = self.text()
        self._clear()
        self.send(struct.pack("!BxHiii", 2, 3, RAW, DESKTOP_SIZE, EXTENDED_DESKTOP_SIZE))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hangs up."""
        self._file.close()
        self.socket.close()

    # ---- bytes ------------------------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self.socket.sendall(data)

    def read(self, count: int) -> bytes:
        """Reads so many bytes.

        Raises:
            ConnectionResetError: the server hung up before.
        """
        data = self._file.read(count)
        if data is None or len(data) < count:
            raise ConnectionResetError(f"the server hung up after {len(data or b'')} of {count} bytes")
        return data

    def number(self, size: int) -> int:
        """Reads an unsigned number of so many bytes."""
        return int.from_bytes(self.read(size), "big")

    def text(self) -> str:
        """Reads a length and a text."""
        return self.read(self.number(4)).decode()

    # ---- what a viewer says -----------------------------------------------------------------------------

    def set_encodings(self, *encodings: int) -> None:
        """Announces these encodings instead of the ones sent at the start."""
        self.send(struct.pack(f"!BxH{len(encodings)}i", 2, len(encodings), *encodings))

    def set_pixel_format(self, pixel_format: bytes) -> None:
        """Asks for another pixel format, 16 bytes; what was received is forgotten."""
        self.send(b"\0\0\0\0" + pixel_format)
        self.bytes_per_pixel = pixel_format[0] // 8
        self._clear()

    def request(self, *, incremental: bool = False) -> None:
        """Asks for the whole screen, or for what changed in it."""
        self.send(struct.pack("!BBHHHH", 3, incremental, 0, 0, self.width, self.height))

    def key(self, keysym: int, *, down: bool | None = None) -> None:
        """Presses and releases a key, or one of the two."""
        for state in (True, False) if down is None else (down,):
            self.send(struct.pack("!BBxxI", 4, state, keysym))

    def type(self, text: str) -> None:
        """Types a text; a newline is Return. Capitals come with Shift, as from a keyboard."""
        for character in text:
            keysym = RETURN if character == "\n" else ord(character)
            shifted = character.isupper() or character in '~!@#$%^&*()_+{}|:"<>?'
            if shifted:
                self.key(SHIFT, down=True)
            self.key(keysym)
            if shifted:
                self.key(SHIFT, down=False)

    def pointer(self, x: int, y: int, buttons: int = 0) -> None:
        """Moves the pointer there with these buttons down."""
        self.send(struct.pack("!BBHH", 5, buttons, x, y))

    def cut_text(self, text: str) -> None:
        """Says what is in the clipboard."""
        self.send(struct.pack("!BxxxI", 6, len(text)) + text.encode("latin-1"))

    def set_desktop_size(self, width: int, height: int) -> None:
        """Asks for another size."""
        screen = struct.pack("!IHHHHI", 0, 0, 0, width, height, 0)
        self.send(struct.pack("!BxHHBx", 251, width, height, 1) + screen)

    # ---- what the server says ---------------------------------------------------------------------------

    def update(self) -> list[Rectangle]:
        """Waits for one update and takes it in; colour maps, bells and cut texts before it are skipped."""
        while (kind := self.number(1)) != 0:
            if kind == 1:
                self.read(3)
                self.colour_map = self.read(6 * self.number(2))
            elif kind == 3:
                self.read(3)
                self.text()
            elif kind != 2:
                raise ValueError(f"the server sent a message of type {kind}")
        self.read(1)
        return [self._rectangle() for _ in range(self.number(2))]

    def frame(self, *, incremental: bool = False) -> list[Rectangle]:
        """Asks and waits for one update."""
        self.request(incremental=incremental)
        return self.update()

    def whole_frame(self) -> None:
        """Asks for everything and waits for the pixels.

        News of the size may come first; then TigerVNC goes on only when it is asked for what changed, for asking
        for everything again gets the same news again.
        """
        rectangles = self.frame()
        while not any(rectangle.encoding == RAW for rectangle in rectangles):
            rectangles = self.frame(incremental=True)

    def until(self, condition: Callable[[], bool], updates: int = 200) -> None:
        """Takes in updates until the condition is true of what was received; fails after so many."""
        for _ in range(updates):
            if condition():
                return
            self.frame(incremental=True)
        raise AssertionError(f"not seen within {updates} updates")

    def _rectangle(self) -> Rectangle:
        rectangle = Rectangle(*struct.unpack("!HHHHi", self.read(12)))
        x, y, width, height, encoding = rectangle
        if encoding == RAW:
            line = width * self.bytes_per_pixel
            data = self.read(line * height)
            for number in range(height):
                start = ((y + number) * self.width + x) * self.bytes_per_pixel
                self.pixels[start : start + line] = data[number * line : (number + 1) * line]
            return rectangle
        if encoding == EXTENDED_DESKTOP_SIZE:
            screens = self.number(1)
            self.read(3 + 16 * screens)
        elif encoding != DESKTOP_SIZE:
            raise ValueError(f"the server sent encoding {encoding}")
        if (width, height) != (self.width, self.height):
            self.width, self.height = width, height
            self._clear()
        return rectangle

    def _clear(self) -> None:
        self.pixels = bytearray(self.width * self.height * self.bytes_per_pixel)

    # ---- pixels -----------------------------------------------------------------------------------------

    def pixel(self, x: int, y: int) -> tuple[int, int, int]:
        """Red, green and blue of one pixel, in the server's usual format of 32 bits."""
        start = (y * self.width + x) * 4
        blue, green, red = self.pixels[start : start + 3]
        return red, green, blue

    def part(self, x: int, y: int, width: int, height: int) -> bytes:
        """The bytes of a part of the screen, line by line."""
        size = self.bytes_per_pixel
        starts = (((y + n) * self.width + x) * size for n in range(height))
        return b"".join(bytes(self.pixels[start : start + width * size]) for start in starts)

    def image(self) -> Image.Image:
        """The screen as a picture."""
        return Image.frombytes("RGB", (self.width, self.height), bytes(self.pixels), "raw", "BGRX")

    def colours(self) -> int:
        """How many different colours there are: 1 on a blank screen."""
        found = self.image().getcolors(1 << 24)
        return len(found or ())
