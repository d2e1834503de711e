"""One viewer of the test pattern: its handshake, then its requests in and updates out (RFC 6143).

The thread that runs it waits for a message, or for the next tick when the viewer has asked for changes.
"""

from __future__ import annotations

import re
import select
import socket
from collections.abc import Iterator

import test_pattern_protocol as rfb
from test_pattern_board import Board
from test_pattern_picture import Colour, Rect, Scene, Sprite, damage, paint, sprites, without_inner

SMALLEST_SIDE, LARGEST_SIDE = 16, 4096
"""Pixels: the sizes that the pattern can have."""
HANDSHAKE_TIMEOUT = 30.0
"""Seconds that a viewer has for each answer before the first frame."""
PIECE = 256 * 1024
"""Bytes that are painted before they are sent: what a viewer costs at most, about."""
MAX_OUTDATED = 64
"""Areas remembered for a viewer; beyond that everything counts as changed."""


class HungUpError(Exception):
    """The viewer closed its connection: the usual end."""


class _Inbox:
    """What a viewer sent and nobody has looked at yet."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._bytes = bytearray()
        self._skip = 0

    def receive(self) -> None:
        """Waits for some bytes and takes them in."""
        data = self._connection.recv(65536)
        if not data:
            raise HungUpError
        self._bytes += data[self._skip :]
        self._skip = max(self._skip - len(data), 0)

    def exactly(self, count: int) -> bytes:
        """Waits for so many bytes and takes them out."""
        while len(self._bytes) < count:
            self.receive()
        return self._take(count)

    def messages(self) -> Iterator[rfb.Message]:
        """Takes out the complete messages that are of use here."""
        while (parsed := rfb.next_message(self._bytes)) is not None:
            message, length = parsed
            self._skip = max(length - len(self._bytes), 0)
            self._take(length)
            if message is not None:
                yield message

    def _take(self, count: int) -> bytes:
        taken = bytes(self._bytes[:count])
        del self._bytes[:count]
        return taken


class Viewer:
    """One connection, served by the thread that calls `serve`."""

    def __init__(self, connection: socket.socket, board: Board) -> None:
        """Nothing is sent yet."""
        self._connection = connection
        self._inbox = _Inbox(connection)
        self._board = board
        self._use(rfb.NATIVE)
        self._encodings: frozenset[int] = frozenset()
        self._size = (0, 0)  # as this viewer knows it
        self._size_news: tuple[int, int] | None = None  # reason and status, to be told with the next update
        self._request: Rect | None = None  # what it asked for and has not got yet
        self._outdated: list[Rect] = []  # where it sees something old
        self._sprites: dict[str, Sprite] = {}  # what it sees, outdated areas aside

    def serve(self, name: str) -> None:
        """Goes on until the viewer hangs up.

        Raises:
            HungUpError, OSError, ProtocolError: why it ended.
        """
        self._connection.settimeout(HANDSHAKE_TIMEOUT)
        self._shake_hands(name)
        self._connection.settimeout(None)
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        while True:
            # First what came together with the end of the handshake.
            for message in self._inbox.messages():
                self._take(message)
            if self._request is not None:
                self._answer(self._request)
            wait = None if self._request is None else self._board.until_next_tick() * 1000
            if poll.poll(wait):
                self._inbox.receive()

    def _shake_hands(self, name: str) -> None:
        """RFC 6143 section 7.1, security type None; older clients as its appendix A says."""
        self._connection.sendall(b"RFB 003.008\n")
        version = self._inbox.exactly(12)
        match = re.fullmatch(rb"RFB (\d{3})\.(\d{3})\n", version)
        if match is None:
            raise rfb.ProtocolError(f"the viewer began with {version!r}; expected 'RFB 003.008' and a newline")
        minor = int(match[2]) if match[1] == b"003" else 8
        if minor < 7:
            self._connection.sendall(b"\0\0\0\1")
        else:
            self._connection.sendall(b"\1\1")
            chosen = self._inbox.exactly(1)[0]
            if chosen != 1:
                raise rfb.ProtocolError(f"the viewer chose security type {chosen}; expected 1, None")
            if minor >= 8:
                self._connection.sendall(b"\0\0\0\0")
        self._inbox.exactly(1)  # ClientInit: the session is shared whatever the viewer asks for
        scene = self._board.scene()
        self._size = (scene.width, scene.height)
        self._outdated = [scene.area]
        self._connection.sendall(rfb.server_init(scene.width, scene.height, name))

    def _use(self, pixels: rfb.PixelFormat) -> None:
        self._pixel_size = pixels.bits // 8
        known: dict[Colour, bytes] = {}

        def pixel(colour: Colour) -> bytes:
            value = known.get(colour)
            if value is None:
                value = known[colour] = pixels.pixel(colour)
            return value

        self._pixel = pixel

    def _take(self, message: rfb.Message) -> None:
        match message:
            case rfb.UpdateRequest(incremental, area):
                if not incremental:
                    self._outdated.append(area)
                self._request = area if self._request is None else _hull(self._request, area)
            case rfb.Key():
                self._board.key(message)
            case rfb.Pointer():
                self._board.pointer(message)
            case rfb.CutText():
                self._board.cut_text(message)
            case rfb.PixelFormat():
                self._use(message)
                if not message.true_colour:
                    self._connection.sendall(rfb.colour_map())
            case rfb.SetEncodings(encodings):
                if rfb.EXTENDED_DESKTOP_SIZE in set(encodings) - self._encodings:
                    self._size_news = (0, 0)
                self._encodings = frozenset(encodings)
            case rfb.SetDesktopSize(width, height):
                possible = all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in (width, height))
                if possible:
                    self._board.resize(width, height)
                self._size_news = (1, 0 if possible else 3)

    def _answer(self, request: Rect) -> None:
        """Sends what there is to tell of the requested area; sends nothing when that is nothing."""
        scene = self._board.scene()
        if self._tell_size(scene):
            return
        visible = scene.area.clip(Rect(0, 0, *self._size)) or scene.area
        shown = sprites(scene)
        outdated = self._outdated + damage(self._sprites, shown)
        self._sprites = shown
        if len(outdated) > MAX_OUTDATED:
            outdated = [visible]
        clipped = without_inner([area for old in outdated if (area := old.clip(visible))])
        self._outdated = [area for area in clipped if area.clip(request) != area]
        areas = [part for area in clipped if (part := area.clip(request))]
        if areas:
            self._request = None
            self._send(scene, shown, areas)

    def _tell_size(self, scene: Scene) -> bool:
        """Sends the news of another size alone, so that no pixel of the old one comes behind it."""
        size = (scene.width, scene.height)
        changed = size != self._size
        if rfb.EXTENDED_DESKTOP_SIZE in self._encodings and (changed or self._size_news):
            reason, status = self._size_news or (2, 0)
            news = rfb.extended_desktop_size(*size, reason, status)
        elif rfb.DESKTOP_SIZE in self._encodings and changed:
            news = rfb.rectangle_header(scene.area, rfb.DESKTOP_SIZE)
        else:
            return False
        self._connection.sendall(rfb.update_header(1) + news)
        self._size_news = None
        self._request = None
        if changed:
            self._size = size
            self._outdated = [scene.area]
        return True

    def _send(self, scene: Scene, shown: dict[str, Sprite], areas: list[Rect]) -> None:
        out = bytearray(rfb.update_header(len(areas)))
        for area in areas:
            out += rfb.rectangle_header(area, rfb.RAW)
            lines = max(PIECE // (area.width * self._pixel_size), 1)
            for y in range(area.y, area.y + area.height, lines):
                band = Rect(area.x, y, area.width, min(lines, area.y + area.height - y))
                out += paint(scene, shown, band, self._pixel)
                if len(out) >= PIECE:
                    self._connection.sendall(out)
                    out.clear()
        self._connection.sendall(out)


def _hull(one: Rect, other: Rect) -> Rect:
    left, top = min(one.x, other.x), min(one.y, other.y)
    right = max(one.x + one.width, other.x + other.width)
    bottom = max(one.y + one.height, other.y + other.height)
    return Rect(left, top, right - left, bottom - top)
