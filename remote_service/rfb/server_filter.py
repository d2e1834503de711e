"""From a VNC server to a viewer that must not have its clipboard: RFC 6143 sections 7.3.2 and 7.6, and the extensions.

Only ServerCutText is taken out; but to find it, everything else has to be followed from ServerInit on, down to each
rectangle of a picture. This cannot begin in mid-stream, so it is decided when the viewer comes. It needs to know the
pixel format that the viewer sets, and that the viewer names no encoding whose length cannot be told: `ViewerFilter`
sees to both, which is why the two share a `FormatInForce`.
"""

from __future__ import annotations

import struct

from .buffer import Data
from .clipboard import sift
from .encodings import Encoding
from .errors import Peer
from .layout import not_allowed, read_header
from .pixel_format import SIZE, FormatInForce, PixelFormat
from .policy import Policy
from .rectangles import MAX_NAME, Rectangle, read_rectangle
from .server_table import ServerMessageType, server_layout_of
from .sieve import NEXT_MESSAGE, Sieve, Walk, skip
from .whole_rectangles import pass_over

_RECTANGLE = struct.Struct(">4xHHi")
"""Behind x and y: width, height, encoding-type (RFC 6143 section 7.6.1)."""


def _glide(data: Data, at: int) -> int:
    """Bells are the shortest messages: a flood of them would cost most of all by its bytes."""
    end = len(data)
    while at < end and data[at] == ServerMessageType.BELL:
        at += 1
    return at


class ServerFilter:
    """Bytes of the server in, bytes for the viewer out. It holds a header at most.

    Attributes:
        policy: what the viewer may have; another one holds from the next message on.
        between_messages: whether a message has ended, and of the next one nothing has come.
    """

    def __init__(self, policy: Policy, format: FormatInForce) -> None:
        """Start before ServerInit."""
        self.policy = policy
        self.between_messages = False
        self._format = format
        self._sieve = Sieve(self._run, glide=_glide)

    def __repr__(self) -> str:
        return f"<ServerFilter {self._sieve!r}>"

    def feed(self, data: Data) -> Data:
        """Take what the server sent, and return what the viewer may have: `data` itself when that is all of it.

        Raises:
            RemoteProtocolError: offsets count from ServerInit. See `Sieve.feed`, which raises the RuntimeError too.
        """
        return self._sieve.feed(data)

    def _run(self, sieve: Sieve) -> Walk[None]:
        yield from self._server_init(sieve)
        while True:
            self.between_messages = True
            kind = yield NEXT_MESSAGE
            self.between_messages = False
            if kind[0] == ServerMessageType.FRAMEBUFFER_UPDATE:
                yield from self._update(sieve)
                continue
            offset = sieve.offset - 1
            layout = server_layout_of(kind[0], offset)
            if kind[0] == ServerMessageType.SERVER_CUT_TEXT and self.policy.no_clipboard_out:
                yield from sift(sieve, kind, layout, self.policy.passes_to_viewer)
            else:
                message, header = yield from read_header(layout, kind, offset)
                yield from skip(message.length - len(header))

    def _server_init(self, sieve: Sieve) -> Walk[None]:
        init = yield 4 + SIZE + 4
        self._format.initial(PixelFormat.parse(init[4:-4], peer=Peer.VNC_SERVER, offset=4))
        length = int.from_bytes(init[-4:], "big")
        if length > MAX_NAME:
            raise not_allowed(Peer.VNC_SERVER, 4 + SIZE, "name-length", length, f"at most {MAX_NAME} bytes")
        yield from skip(length)

    def _update(self, sieve: Sieve) -> Walk[None]:
        format = self._format.update_begins()
        header = yield 3
        left = int.from_bytes(header[1:], "big")
        while left:
            at, passed = pass_over(*sieve.ahead(), left, format)
            if passed:
                left -= passed
                yield from sieve.skip_to(at)
                continue
            left -= 1
            width, height, encoding = _RECTANGLE.unpack((yield _RECTANGLE.size))
            if encoding == Encoding.LAST_RECT:
                return
            yield from read_rectangle(Rectangle(width, height, encoding, format, sieve.offset))
