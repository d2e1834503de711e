"""Where each message of a VNC server ends: RFC 6143 section 7.6, and the extensions that viewers behind a filter name.

FramebufferUpdate is not in the table: its rectangles have lengths of their own, see `rectangles`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from .clipboard import cut_text
from .errors import Peer
from .layout import Fixed, Layout, Measured, not_allowed
from .message_table import fence

MAX_AUDIO = 4 * 1024 * 1024
"""Bytes of sound in one message; servers send some kilobytes, several times a second."""


class ServerMessageType(enum.IntEnum):
    """The first byte of a server's message."""

    FRAMEBUFFER_UPDATE = 0
    SET_COLOUR_MAP_ENTRIES = 1
    BELL = 2
    SERVER_CUT_TEXT = 3
    END_OF_CONTINUOUS_UPDATES = 150
    SERVER_FENCE = 248
    XVP = 250
    GII = 253
    QEMU = 255


def _colour_map(header: bytes, offset: int) -> Layout:
    return Fixed(6 + 6 * int.from_bytes(header[4:6], "big"))


def _gii(header: bytes, offset: int) -> Layout:
    big_endian, kind = header[1] >> 7, header[1] & 0x7F
    length = int.from_bytes(header[2:4], "big" if big_endian else "little")
    if kind not in (1, 2):
        raise not_allowed(Peer.VNC_SERVER, offset + 1, "gii sub-type", kind, "1 or 2")
    if length != 4:
        raise not_allowed(Peer.VNC_SERVER, offset + 2, f"gii length of sub-type {kind}", length, "4")
    return Fixed(8)


def _qemu(header: bytes, offset: int) -> Layout:
    if header[1] != 1:
        raise not_allowed(Peer.VNC_SERVER, offset + 1, "QEMU submessage-type", header[1], "1 (audio)")
    match int.from_bytes(header[2:4], "big"):
        case 0 | 1:  # end, begin
            return Fixed(4)
        case 2:  # data
            return Measured(8, _qemu_audio)
        case operation:
            raise not_allowed(Peer.VNC_SERVER, offset + 2, "QEMU audio operation", operation, "0 to 2")


def _qemu_audio(header: bytes, offset: int) -> Layout:
    length = int.from_bytes(header[4:8], "big")
    if length > MAX_AUDIO:
        raise not_allowed(Peer.VNC_SERVER, offset + 4, "QEMU audio data-length", length, f"at most {MAX_AUDIO} bytes")
    return Fixed(8 + length)


SERVER_LAYOUTS: Mapping[int, Layout] = {
    # RFC 6143 section 7.6.2: type, 1 padding, U16 first, U16 count, three U16 each
    ServerMessageType.SET_COLOUR_MAP_ENTRIES: Measured(6, _colour_map),
    # RFC 6143 section 7.6.3: type
    ServerMessageType.BELL: Fixed(1),
    # RFC 6143 section 7.6.4, and rfbproto's Extended Clipboard: as ClientCutText
    ServerMessageType.SERVER_CUT_TEXT: cut_text(Peer.VNC_SERVER, "ServerCutText"),
    # rfbproto, EndOfContinuousUpdates: type
    ServerMessageType.END_OF_CONTINUOUS_UPDATES: Fixed(1),
    # rfbproto, ServerFence: as ClientFence
    ServerMessageType.SERVER_FENCE: fence(Peer.VNC_SERVER, "ServerFence"),
    # rfbproto, xvp Server Message: type, 1 padding, version, code
    ServerMessageType.XVP: Fixed(4),
    # rfbproto, gii Server Message: type, endianness and sub-type, U16 length, U16 twice or U32
    ServerMessageType.GII: Measured(4, _gii),
    # rfbproto, QEMU Audio Server Message: type, 1, U16 operation; for the third a U32 length and the data
    ServerMessageType.QEMU: Measured(4, _qemu),
}
"""Layouts by type, of all but FramebufferUpdate."""


def server_layout_of(kind: int, offset: int) -> Layout:
    """Return the layout of the message that begins with the byte `kind` at `offset`.

    Raises:
        RemoteProtocolError: there is no such message; what follows cannot be framed.
    """
    layout = SERVER_LAYOUTS.get(kind)
    if layout is None:
        known = ", ".join(str(int(message)) for message in ServerMessageType)
        raise not_allowed(Peer.VNC_SERVER, offset, "message-type", kind, f"one of {known}")
    return layout
