"""The encodings that a viewer behind a filter may name, and striking the others (RFC 6143 section 7.7, rfbproto).

A viewer that names an encoding allows its server to use it, and with some of them whole families of messages. What
stands here are those that noVNC and TigerVNC name and a few that are as harmless; file transfer, chat and whatever
else the registry holds are struck, so that neither side ever sends a message that the filter cannot frame.

Struck for everybody:

- ExtendedMouseButtons: its PointerEvent is a byte longer, and whether the server knows that cannot be seen in what the
  viewer sends. Where it does not, that byte would begin a message which the filter has never seen.

Struck where the server's messages are followed, because their rectangles do not tell their length in a header or in a
few steps (`rectangles` holds those that do). Viewers name better ones beside them, and Raw always remains:

- JPEG: it ends where its entropy-coded data does.
- TRLE, zlibhex: a byte or two of each small tile would have to be looked at; no server prefers them to ZRLE and Tight.
- Tight without zlib and VMware's display mode: they change what Tight's bytes and pixels mean in mid-stream.
"""

from __future__ import annotations

import enum


class Encoding(enum.IntEnum):
    """Encodings and pseudo-encodings by their number, an S32."""

    RAW = 0
    COPY_RECT = 1
    RRE = 2
    CORRE = 4
    HEXTILE = 5
    ZLIB = 6
    TIGHT = 7
    ZLIBHEX = 8
    TRLE = 15
    ZRLE = 16
    JPEG = 21
    H264 = 50
    DESKTOP_SIZE = -223
    LAST_RECT = -224
    CURSOR = -239
    X_CURSOR = -240
    QEMU_POINTER_MOTION = -257
    QEMU_KEY_EVENT = -258
    QEMU_AUDIO = -259
    TIGHT_PNG = -260
    QEMU_LED_STATE = -261
    GII = -305
    DESKTOP_NAME = -307
    EXTENDED_DESKTOP_SIZE = -308
    XVP = -309
    FENCE = -312
    CONTINUOUS_UPDATES = -313
    CURSOR_WITH_ALPHA = -314
    EXTENDED_MOUSE_BUTTONS = -316
    TIGHT_WITHOUT_ZLIB = -317
    VMWARE_CURSOR = 0x574D5664
    VMWARE_CURSOR_STATE = 0x574D5665
    VMWARE_CURSOR_POSITION = 0x574D5666
    VMWARE_KEY_REPEAT = 0x574D5667
    VMWARE_LED_STATE = 0x574D5668
    VMWARE_DISPLAY_MODE = 0x574D5669
    VMWARE_STATE = 0x574D566A
    EXTENDED_CLIPBOARD = 0xC0A1E5CE - (1 << 32)


_LEVELS = frozenset((*range(-32, -22), *range(-256, -246), *range(-512, -411), *range(-768, -762)))
"""JPEG quality, compression, fine-grained quality and subsampling: mere wishes."""

_NOT_FOLLOWED = frozenset(
    {
        Encoding.JPEG,
        Encoding.TRLE,
        Encoding.ZLIBHEX,
        Encoding.TIGHT_WITHOUT_ZLIB,
        Encoding.VMWARE_DISPLAY_MODE,
    }
)

ALLOWED: frozenset[int] = (frozenset(Encoding) | _LEVELS) - {Encoding.EXTENDED_MOUSE_BUTTONS}
"""What a viewer behind a filter may name."""

FOLLOWED: frozenset[int] = ALLOWED - _NOT_FOLLOWED
"""What it may name when the server's messages are followed."""


def strike(message: bytes, allowed: frozenset[int]) -> bytes:
    """Return a whole SetEncodings (RFC 6143 section 7.5.2) with only those encodings that are allowed, in its order."""
    entries = [message[at : at + 4] for at in range(4, len(message), 4)]
    kept = [entry for entry in entries if int.from_bytes(entry, "big", signed=True) in allowed]
    if len(kept) == len(entries):
        return message
    return message[:2] + len(kept).to_bytes(2, "big") + b"".join(kept)
