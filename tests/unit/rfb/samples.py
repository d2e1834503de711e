"""One byte literal of every message that a viewer may send, with what it is; the framer's tests are made of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """A message.

    `shows_at` is the index of the byte with which it is certain that this is a person's input: the first
    where the type says it all, else the last of the header. None for what is no input.
    """

    name: str
    data: bytes
    shows_at: int | None = None

    @property
    def is_input(self) -> bool:
        """Whether it is a person's input."""
        return self.shows_at is not None


def _hex(text: str) -> bytes:
    return bytes.fromhex(text)


ANNOUNCEMENT = Sample("SetEncodings with ExtendedMouseButtons", _hex("02 00 0003 00000007 fffffec4 00000000"))

SAMPLES = [
    Sample("SetPixelFormat", _hex("00 000000 20 18 00 01 00ff 00ff 00ff 10 08 00 000000")),
    Sample("SetEncodings, none", _hex("02 00 0000")),
    Sample("SetEncodings", _hex("02 00 0003 00000007 ffffff11 00000000")),
    # The announcement's bytes, but across two entries.
    Sample("SetEncodings, misleading", _hex("02 00 0003 0000ffff fec40000 fffffec5")),
    Sample("FramebufferUpdateRequest", _hex("03 01 0000 0000 0640 04b0")),
    Sample("KeyEvent", _hex("04 01 0000 0000ff0d"), 0),
    Sample("PointerEvent", _hex("05 01 0102 0304"), 0),
    Sample("PointerEvent, eighth button", _hex("05 80 0102 0304"), 0),
    Sample("ClientCutText", _hex("06 000000 00000005") + b"hello", 7),
    Sample("ClientCutText, empty", _hex("06 000000 00000000"), 7),
    Sample("ClientCutText, of type bytes", _hex("06 000000 0000000c 040404040404050505050505"), 7),
    Sample("ClientCutText, caps", _hex("06 000000 fffffff8 1f000001 00000000")),
    Sample("ClientCutText, request", _hex("06 000000 fffffffc 02000001")),
    Sample("ClientCutText, peek", _hex("06 000000 fffffffc 04000000")),
    Sample("ClientCutText, notify", _hex("06 000000 fffffffc 08000001"), 11),
    Sample("ClientCutText, provide", _hex("06 000000 fffffff6 10000001 789c03000001"), 11),
    Sample("EnableContinuousUpdates", _hex("96 01 0000 0000 0640 04b0")),
    Sample("ClientFence", _hex("f8 000000 00000003 04 deadbeef")),
    Sample("ClientFence, empty", _hex("f8 000000 80000000 00")),
    Sample("xvp", _hex("fa 00 01 03")),
    Sample("SetDesktopSize", _hex("fb 00 0500 0400 01 00 00000001 0000 0000 0500 0400 00000000")),
    Sample("SetDesktopSize, no screen", _hex("fb 00 0500 0400 00 00")),
    Sample("gii version", _hex("fd 81 0002 0001")),
    Sample("gii version, little-endian", _hex("fd 01 0200 0100")),
    Sample("gii device creation", _hex("fd 82 0038") + bytes(56)),
    Sample("gii device creation, one valuator", _hex("fd 02 ac00") + bytes(172)),
    Sample("gii device destruction", _hex("fd 83 0004 00000001")),
    Sample("gii pointer", _hex("fd 80 000c 0c 0a 0000 00000001 00000001"), 3),
    Sample("gii key, little-endian", _hex("fd 00 1800 18 05 0000") + bytes(20), 3),
    Sample("QEMU key", _hex("ff 00 0001 00000061 0000001e"), 1),
    Sample("QEMU audio, enable", _hex("ff 01 0000")),
    Sample("QEMU audio, disable", _hex("ff 01 0001")),
    Sample("QEMU audio, format", _hex("ff 01 0002 03 02 0000ac44")),
]

EXTENDED_SAMPLES = [
    Sample("PointerEvent, forward button", _hex("05 80 0102 0304 02"), 1),
    Sample("PointerEvent, left and back", _hex("05 81 0102 0304 01"), 1),
]
"""What may follow the announcement; there also "PointerEvent, eighth button" would be read so."""
