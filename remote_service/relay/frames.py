"""Websocket frames of the server's side (RFC 6455, sections 5.2 to 5.5 and 7.4), sans-I/O.

What a browser sends is given on as it comes: a large frame is not collected, its pieces are unmasked one by one.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from websockets.frames import EXTERNAL_CLOSE_CODES

from remote_service.rfb.buffer import Data

try:
    from websockets.speedups import apply_mask
except ImportError:  # pragma: no cover (a build of the package without C)
    from websockets.utils import apply_mask

LEAST_PART = 1024
"""Bytes from which on a continuation counts as part of a message; browsers send much more at once."""
MOST_CONTROL_FRAMES = 64
"""Pings, pongs, empty messages and tiny continuations of one connection in a second. Browsers send none by themselves;
a program that sends thousands would have everybody else wait while they are answered, and the answers fill memory."""
MOST_CONTROL_PAYLOAD = 125
MOST_PIECE = 16 * 1024
"""Bytes of a payload that are given on in one go: what takes long to look at is looked at a little at a time."""
MOST_JOINED = 4 * 1024
"""Bytes of a message up to which to copy it costs less than to send its header apart, as a TLS record of its own."""

_FIN = 0x80
_RESERVED = 0x70
_OPCODE = 0x0F
_CONTROL = 0x08
_MASKED = 0x80
_LENGTH = 0x7F
_LENGTH_16 = 126
_LENGTH_64 = 127
_LARGE = struct.Struct("!HH4s")
"""The header of a masked message of one frame whose length has 16 bits."""
_WHOLE_LARGE = (_FIN | 2) << 8 | _MASKED | _LENGTH_16


class Opcode(IntEnum):
    """What a frame is (section 5.2)."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


@dataclass(frozen=True, slots=True)
class Control:
    """A control frame; of a close frame the payload is valid (see `close_of`)."""

    opcode: Opcode
    payload: bytes


class FrameError(Exception):
    """The peer broke the protocol, or our bounds: the connection ends with this code (section 7.4.1)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class FloodError(Exception):
    """The peer sends too many frames that carry nothing on; it is not worth an answer."""


class FloodGuard:
    """Counts the frames of a second that carry nothing on."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._second_ends = 0.0
        self._count = 0

    def count(self) -> None:
        """Counts one.

        Raises:
            FloodError: it is one too many.
        """
        now = self._clock()
        if now >= self._second_ends:
            self._second_ends, self._count = now + 1.0, 0
        self._count += 1
        if self._count > MOST_CONTROL_FRAMES:
            raise FloodError


class FrameReader:
    """Reads what a browser sends, whatever chunks it comes in; holds no more than one control frame (131 bytes).

    Only binary messages are carried. After an error it must not be fed any more.
    """

    def __init__(self, most: int, guard: FloodGuard) -> None:
        """Prepares.

        Args:
            most: bytes that a message may have, all its frames together.
            guard: counts frames that carry nothing on.
        """
        self._most = most
        self._guard = guard
        self._rest = b""  # the begin of a header or of a control frame
        self._left = 0  # payload bytes of the data frame under way that are still to come
        self._mask = b""  # of the data frame under way, rotated to its next byte
        self._fragmented = False  # a message is under way whose last frame has not begun
        self._size = 0  # payload bytes of the message under way, announced ones included

    def feed(self, chunk: Data) -> Iterator[bytes | Control]:
        """Follows the stream through `chunk`; lazily, so that who iterates may pause or end in between.

        Yields:
            payload of messages, unmasked, in pieces of at most `MOST_PIECE` bytes; and control frames.

        Raises:
            FrameError: the connection has to end with its code.
            FloodError: it has to end at once.
        """
        view = memoryview(self._rest + chunk if self._rest else chunk)
        self._rest = b""
        at, end = 0, len(view)
        largest = min(self._most, MOST_PIECE)
        while at < end:
            if self._left:
                upto = min(end, at + self._left, at + MOST_PIECE)
                mask, taken = self._mask, upto - at
                self._left -= taken
                if self._left and (shift := taken & 3):
                    self._mask = mask[shift:] + mask[:shift]
                yield apply_mask(view[at:upto], mask)
                at = upto
                continue
            if end - at >= _LARGE.size and not self._fragmented:
                # Whole messages of some KiB are most of what comes in bulk.
                head, length, mask = _LARGE.unpack_from(view, at)
                upto = at + _LARGE.size + length
                if head == _WHOLE_LARGE and LEAST_PART <= length <= largest and upto <= end:
                    yield apply_mask(view[at + _LARGE.size : upto], mask)
                    at = upto
                    continue
            payload_at, length = self._header(view, at, end)
            opcode = view[at] & _OPCODE
            if not payload_at or (opcode & _CONTROL and payload_at + length > end):
                self._rest = bytes(view[at:])
                return
            mask = bytes(view[payload_at - 4 : payload_at])
            if opcode & _CONTROL:
                self._guard.count()
                at = payload_at + length
                yield _control(Opcode(opcode), apply_mask(view[payload_at:at], mask))
            else:
                self._begin(opcode, fin=view[at] >= _FIN, length=length)
                self._left, self._mask = length, mask
                at = payload_at

    def _header(self, data: memoryview, at: int, end: int) -> tuple[int, int]:
        """Returns where the payload begins and its length; (0, 0) when the header is not all there (section 5.2)."""
        if end - at < 2:
            return 0, 0
        first, length = data[at], data[at + 1]
        opcode = first & _OPCODE
        if first & _RESERVED:
            raise FrameError(1002, "a reserved bit is set, and no extension was agreed on")
        if opcode & 0x07 > 2:
            raise FrameError(1002, f"the opcode {opcode} is reserved")
        if length < _MASKED:
            raise FrameError(1002, "a frame is not masked")
        length &= _LENGTH
        if opcode & _CONTROL:
            if first < _FIN:
                raise FrameError(1002, "a control frame is fragmented")
            if length > MOST_CONTROL_PAYLOAD:
                raise FrameError(1002, f"a control frame has more than {MOST_CONTROL_PAYLOAD} bytes")
        elif opcode == Opcode.TEXT:
            raise FrameError(1003, "only binary messages are carried")
        elif (opcode == Opcode.CONTINUATION) is not self._fragmented:
            raise FrameError(1002, "a message was not ended" if self._fragmented else "nothing is there to continue")
        payload_at = at + 6
        if length == _LENGTH_16:
            payload_at += 2
            if payload_at > end:
                return 0, 0
            length = int.from_bytes(data[at + 2 : at + 4], "big")
        elif length == _LENGTH_64:
            payload_at += 8
            if payload_at > end:
                return 0, 0
            length = int.from_bytes(data[at + 2 : at + 10], "big")
            if length >> 63:
                raise FrameError(1002, "a length has its top bit set")
        return (payload_at, length) if payload_at <= end else (0, 0)

    def _begin(self, opcode: int, *, fin: bool, length: int) -> None:
        """A data frame begins (section 5.4)."""
        continuation = opcode == Opcode.CONTINUATION
        if not length or (continuation and length < LEAST_PART):
            self._guard.count()
        self._fragmented = not fin
        self._size = self._size + length if continuation else length
        if self._size > self._most:
            raise FrameError(1009, f"a message has more than {self._most} bytes")


def _control(opcode: Opcode, payload: bytes) -> Control:
    if opcode is Opcode.CLOSE:
        close_of(payload)
    return Control(opcode, payload)


def close_of(payload: bytes) -> tuple[int, str]:
    """The code and the reason of a close frame (section 5.5.1); 1005 when it has none.

    Raises:
        FrameError: it may not be sent (1002), or its reason is no UTF-8 (1007).
    """
    if not payload:
        return 1005, ""
    if len(payload) < 2:
        raise FrameError(1002, "a close frame has half a code")
    code = int.from_bytes(payload[:2], "big")
    if not (code in EXTERNAL_CLOSE_CODES or 3000 <= code < 5000):
        raise FrameError(1002, f"the close code {code} may not be sent")
    try:
        return code, payload[2:].decode()
    except UnicodeDecodeError:
        raise FrameError(1007, "the reason of a close frame is no UTF-8") from None


# ---- to the browser --------------------------------------------------------------------------------------

_BINARY = _FIN | Opcode.BINARY
_SHORT = [bytes([_BINARY, length]) for length in range(_LENGTH_16)]


def binary_header(length: int) -> bytes:
    """What stands before the payload of a binary message of one frame."""
    if length < _LENGTH_16:
        return _SHORT[length]
    if length < 1 << 16:
        return struct.pack("!BBH", _BINARY, _LENGTH_16, length)
    return struct.pack("!BBQ", _BINARY, _LENGTH_64, length)


def binary_message(data: Data) -> tuple[Data, ...]:
    """A binary message in one frame, in the buffers in which it is best sent."""
    header = binary_header(len(data))
    return (header + data,) if len(data) <= MOST_JOINED else (header, data)


def control_frame(opcode: Opcode, payload: bytes) -> bytes:
    """A whole control frame; its payload has at most 125 bytes."""
    assert len(payload) <= MOST_CONTROL_PAYLOAD
    return bytes([_FIN | opcode, len(payload)]) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame; a reason that is too long is cut. 1005 stands for a close without a code."""
    if code == 1005:
        return control_frame(Opcode.CLOSE, b"")
    cut = reason.encode(errors="replace")[: MOST_CONTROL_PAYLOAD - 2].decode(errors="ignore")
    return control_frame(Opcode.CLOSE, code.to_bytes(2, "big") + cut.encode())
