"""Where each message of a viewer ends, and which of them are a person's input: a table, and nothing that reads.

The messages are those of RFC 6143 section 7.5 and the registered extensions that noVNC 1.7 and TigerVNC send;
other types of the registry (file transfer, chat, power of other vendors) are unknown here on purpose, since a
stream that holds one cannot be framed further. Server support is not looked at: a message is framed wherever
it may stand.

*Input* is what shows that a person is there: keys, pointer, and clipboard text. What viewers send by
themselves is not: update requests, encodings, fences, sizes that follow the window, and the clipboard's
bookkeeping.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from .clipboard import cut_text
from .errors import Peer
from .layout import Fixed, Layout, Measured, not_allowed

# What a message may be long, at most. Bodies are counted and never kept, so this is no question of memory: a
# length above these is a sign of lost framing, and believing it would swallow all that follows.
MAX_ENCODINGS = 1024
"""Entries of SetEncodings: the registry knows fewer than 200, and viewers send about 30."""
MAX_FENCE_PAYLOAD = 64
"""Bytes of a fence's payload; rfbproto, ClientFence."""
# Two counts need no constant: SetDesktopSize has a U8 of screens, and gii a U16 of bytes.

EXTENDED_MOUSE_BUTTONS = -316
"""The pseudo-encoding by which a viewer announces that it may send PointerEvents of seven bytes."""


class MessageType(enum.IntEnum):
    """The first byte of a viewer's message."""

    SET_PIXEL_FORMAT = 0
    SET_ENCODINGS = 2
    FRAMEBUFFER_UPDATE_REQUEST = 3
    KEY_EVENT = 4
    POINTER_EVENT = 5
    CLIENT_CUT_TEXT = 6
    ENABLE_CONTINUOUS_UPDATES = 150
    CLIENT_FENCE = 248
    XVP = 250
    SET_DESKTOP_SIZE = 251
    GII = 253
    QEMU = 255


def _set_encodings(header: bytes, offset: int) -> Layout:
    count = int.from_bytes(header[2:4], "big")
    if count > MAX_ENCODINGS:
        raise not_allowed(
            Peer.VIEWER, offset + 2, "SetEncodings number-of-encodings", count, f"at most {MAX_ENCODINGS}"
        )
    return Fixed(4 + 4 * count, lists_encodings=True)


_POINTER_EVENT = Fixed(6, is_input=True)
_LONG_POINTER_EVENT = Fixed(7, is_input=True)


def _extended_pointer(header: bytes, offset: int) -> Layout:
    return _LONG_POINTER_EVENT if header[1] & 0x80 else _POINTER_EVENT


def fence(peer: Peer, name: str) -> Measured:
    """Return the layout of this peer's fence, which errors call `name`; both peers' have the same form."""

    def measure(header: bytes, offset: int) -> Layout:
        length = header[8]
        if length > MAX_FENCE_PAYLOAD:
            raise not_allowed(peer, offset + 8, f"{name} length", length, f"at most {MAX_FENCE_PAYLOAD} bytes")
        return Fixed(9 + length)

    return Measured(9, measure)


def _set_desktop_size(header: bytes, offset: int) -> Layout:
    return Fixed(8 + 16 * header[6])


def _gii(header: bytes, offset: int) -> Layout:
    big_endian, kind = header[1] >> 7, header[1] & 0x7F
    length = int.from_bytes(header[2:4], "big" if big_endian else "little")
    match kind:
        case 0:  # Injecting Events: keys, pointer, valuators
            return Fixed(4 + length, is_input=True)
        case 1:  # Version
            allowed, fits = "2", length == 2
        case 2:  # Device Creation, with a VALUATOR of 116 bytes each
            allowed, fits = "56 and a multiple of 116", length >= 56 and (length - 56) % 116 == 0
        case 3:  # Device Destruction
            allowed, fits = "4", length == 4
        case _:
            raise not_allowed(Peer.VIEWER, offset + 1, "gii sub-type", kind, "0 to 3")
    if not fits:
        raise not_allowed(Peer.VIEWER, offset + 2, f"gii length of sub-type {kind}", length, allowed)
    return Fixed(4 + length)


def _qemu_audio(header: bytes, offset: int) -> Layout:
    operation = int.from_bytes(header[2:4], "big")
    if operation > 2:
        raise not_allowed(Peer.VIEWER, offset + 2, "QEMU audio operation", operation, "0 to 2")
    return Fixed(10 if operation == 2 else 4)


_QEMU_KEY_EVENT = Fixed(12, is_input=True)
_QEMU_AUDIO = Measured(4, _qemu_audio)


def _qemu(header: bytes, offset: int) -> Layout:
    match header[1]:
        case 0:  # Extended Key Event
            return _QEMU_KEY_EVENT
        case 1:  # Audio
            return _QEMU_AUDIO
        case submessage:
            raise not_allowed(Peer.VIEWER, offset + 1, "QEMU submessage-type", submessage, "0 (key) or 1 (audio)")


LAYOUTS: Mapping[int, Layout] = {
    # RFC 6143 section 7.5.1: type, 3 padding, pixel format of 16
    MessageType.SET_PIXEL_FORMAT: Fixed(20),
    # RFC 6143 section 7.5.2: type, 1 padding, U16 count, S32 each
    MessageType.SET_ENCODINGS: Measured(4, _set_encodings),
    # RFC 6143 section 7.5.3: type, incremental, x, y, width, height
    MessageType.FRAMEBUFFER_UPDATE_REQUEST: Fixed(10),
    # RFC 6143 section 7.5.4: type, down, 2 padding, U32 keysym
    MessageType.KEY_EVENT: Fixed(8, is_input=True),
    # RFC 6143 section 7.5.5: type, button-mask, x, y. See EXTENDED_LAYOUTS for its longer form.
    MessageType.POINTER_EVENT: _POINTER_EVENT,
    # RFC 6143 section 7.5.6: type, 3 padding, U32 length, text.
    # rfbproto, Extended Clipboard Pseudo-Encoding: length negative, U32 flags, data; it counts both.
    MessageType.CLIENT_CUT_TEXT: cut_text(Peer.VIEWER, "ClientCutText"),
    # rfbproto, EnableContinuousUpdates: type, enable, x, y, width, height
    MessageType.ENABLE_CONTINUOUS_UPDATES: Fixed(10),
    # rfbproto, ClientFence: type, 3 padding, U32 flags, U8 length, payload
    MessageType.CLIENT_FENCE: fence(Peer.VIEWER, "ClientFence"),
    # rfbproto, xvp Client Message: type, 1 padding, version, code
    MessageType.XVP: Fixed(4),
    # rfbproto, SetDesktopSize: type, 1 padding, width, height, U8 screens, 1 padding, screens of 16
    MessageType.SET_DESKTOP_SIZE: Measured(8, _set_desktop_size),
    # rfbproto, gii Client Message: type, endianness and sub-type, U16 length in that endianness, data
    MessageType.GII: Measured(4, _gii),
    # rfbproto, QEMU Client Message: type, submessage-type, then
    # key: U16 down, U32 keysym, U32 keycode; audio: U16 operation, and for the third a format of 6
    MessageType.QEMU: Measured(2, _qemu),
}
"""Layouts by type, as long as the viewer has not announced EXTENDED_MOUSE_BUTTONS."""

EXTENDED_LAYOUTS: Mapping[int, Layout] = {
    **LAYOUTS,
    # rfbproto, PointerEvent and ExtendedMouseButtons Pseudo-encoding: with the top bit of button-mask set a
    # seventh byte follows. Only a viewer that announced the encoding uses the bit so; to all others it is the
    # eighth button. A viewer that announced it keeps the bit clear until its server confirmed, so the server
    # need not be followed. noVNC 1.7 announces it always, and sends the long form only while a button above
    # the seventh is down.
    MessageType.POINTER_EVENT: Measured(2, _extended_pointer),
}
"""Layouts by type, once the viewer has announced EXTENDED_MOUSE_BUTTONS."""


def layout_of(kind: int, layouts: Mapping[int, Layout], offset: int) -> Layout:
    """Return the layout of the message that begins with the byte `kind` at `offset`.

    Raises:
        RemoteProtocolError: there is no such message; what follows cannot be framed.
    """
    layout = layouts.get(kind)
    if layout is None:
        known = ", ".join(str(int(message)) for message in MessageType)
        raise not_allowed(Peer.VIEWER, offset, "message-type", kind, f"one of {known}")
    return layout
