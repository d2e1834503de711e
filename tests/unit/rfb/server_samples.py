"""One byte literal of every message and every rectangle that a VNC server may send to a viewer behind a filter."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from remote_service.rfb.pixel_format import PixelFormat
from tests.unit.rfb.samples import Sample

FORMAT_32 = bytes.fromhex("20 18 00 01 00ff 00ff 00ff 10 08 00 000000")
FORMAT_16 = bytes.fromhex("10 10 00 01 001f 003f 001f 0b 05 00 000000")
FORMAT_8 = bytes.fromhex("08 08 00 00 0000 0000 0000 00 00 00 000000")
TRUE_COLOUR = PixelFormat(4, 3)

SERVER_INIT = bytes.fromhex("0010 0010") + FORMAT_32 + bytes.fromhex("00000004") + b"desk"


def _hex(text: str) -> bytes:
    return bytes.fromhex(text)


def rectangle(encoding: int, body: bytes, width: int = 4, height: int = 2) -> bytes:
    return struct.pack(">HHHHi", 1, 2, width, height, encoding) + body


def update(rectangles: Iterable[bytes]) -> bytes:
    rectangles = list(rectangles)
    return b"\0\0" + len(rectangles).to_bytes(2, "big") + b"".join(rectangles)


PIXEL, TPIXEL = _hex("11223300"), _hex("112233")
VMWARE = 0x574D5664

# Name, encoding, width, height, what follows the header; pixels of 32 bits.
BODIES = [
    ("Raw", 0, 4, 2, PIXEL * 8),
    ("Raw, empty", 0, 0, 2, b""),
    ("CopyRect", 1, 4, 2, _hex("0003 0004")),
    ("RRE", 2, 4, 2, _hex("00000001") + PIXEL + PIXEL + _hex("0000 0000 0001 0001")),
    ("RRE, none", 2, 4, 2, _hex("00000000") + PIXEL),
    ("CoRRE", 4, 4, 2, _hex("00000002") + PIXEL + (PIXEL + _hex("00 00 01 01")) * 2),
    ("Hextile, raw", 5, 4, 2, b"\x01" + PIXEL * 8),
    ("Hextile, background", 5, 17, 17, b"\x02" + PIXEL + b"\0" * 3),
    ("Hextile, foreground", 5, 4, 2, b"\x0e" + PIXEL + PIXEL + b"\x02" + _hex("0000 1100")),
    ("Hextile, coloured", 5, 4, 2, b"\x18\x01" + PIXEL + _hex("0000")),
    ("Hextile, raw at the edges", 5, 17, 18, b"\0\x01" + PIXEL * 16 + b"\x01" + PIXEL * 32 + b"\x01" + PIXEL * 2),
    ("zlib", 6, 4, 2, _hex("00000003 030303")),
    ("Tight, fill", 7, 4, 2, b"\x80" + TPIXEL),
    ("Tight, fill of great width", 7, 4096, 2, b"\x80" + TPIXEL),
    ("Tight, JPEG", 7, 4, 2, b"\x90\x03\xff\xd8\xff"),
    ("Tight, JPEG of two length bytes", 7, 4, 2, b"\x90\x80\x01" + bytes(128)),
    ("Tight, JPEG of three length bytes", 7, 4, 2, b"\x9f\x80\x80\x01" + bytes(16384)),
    ("Tight, copy", 7, 4, 2, b"\x00\x02\x00\x00"),
    ("Tight, copy of stream 3", 7, 4, 2, b"\x30\x02\x00\x00"),
    ("Tight, small copy", 7, 3, 1, b"\x40\x00" + TPIXEL * 3),
    ("Tight, palette of two, small", 7, 9, 2, b"\x40\x01\x01" + TPIXEL * 2 + b"\x33" * 4),
    ("Tight, palette of two", 7, 8, 12, b"\x40\x01\x01" + TPIXEL * 2 + b"\x01\x00"),
    ("Tight, palette of three, small", 7, 4, 2, b"\x40\x01\x02" + TPIXEL * 3 + b"\x02" * 8),
    ("Tight, palette of 256", 7, 4, 3, b"\x40\x01\xff" + TPIXEL * 256 + b"\x01\x00"),
    ("Tight, gradient", 7, 4, 2, b"\x40\x02\x01\x00"),
    ("ZRLE", 16, 4, 2, _hex("00000002 0303")),
    ("H.264", 50, 4, 2, _hex("00000003 00000001 030303")),
    ("H.264, control", 50, 4, 2, _hex("00000000 00000002")),
    ("DesktopSize", -223, 65535, 65535, b""),
    ("Cursor", -239, 9, 2, PIXEL * 18 + b"\xff\x80" * 2),
    ("X Cursor", -240, 9, 2, bytes(6) + b"\xff\x80" * 4),
    ("X Cursor, none", -240, 0, 0, b""),
    ("QEMU pointer motion", -257, 4, 2, b""),
    ("QEMU key", -258, 4, 2, b""),
    ("QEMU audio", -259, 4, 2, b""),
    ("Tight PNG, fill", -260, 4, 2, b"\x80" + TPIXEL),
    ("Tight PNG, JPEG", -260, 4, 2, b"\x90\x01\x03"),
    ("Tight PNG, PNG", -260, 4, 2, b"\xa0\x02\x03\x03"),
    ("QEMU LED", -261, 4, 2, b"\x03"),
    ("DesktopName", -307, 0, 0, _hex("00000003") + b"\x03\x03\x03"),
    ("ExtendedDesktopSize", -308, 4, 2, _hex("01 000000 00000001 0000 0000 0500 0400 00000000")),
    ("Cursor With Alpha", -314, 2, 1, _hex("00000000") + PIXEL * 2),
    ("Cursor With Alpha, ZRLE", -314, 2, 1, _hex("00000010 00000001 03")),
    ("ExtendedMouseButtons", -316, 4, 2, b""),
    ("VMware Cursor, classic", VMWARE, 2, 1, b"\x00\x00" + PIXEL * 4),
    ("VMware Cursor, alpha", VMWARE, 2, 1, b"\x01\x00" + PIXEL * 2),
    ("VMware Cursor State", VMWARE + 1, 4, 2, b"\x00\x03"),
    ("VMware Cursor Position", VMWARE + 2, 4, 2, b""),
    ("VMware Key Repeat", VMWARE + 3, 4, 2, bytes(10)),
    ("VMware LED", VMWARE + 4, 4, 2, bytes(4)),
    ("VMware Virtual Machine State", VMWARE + 6, 4, 2, bytes(2)),
]  # fmt: skip

LAST_RECT = rectangle(-224, b"")

UPDATES = [
    Sample("FramebufferUpdate, empty", update([])),
    *(
        Sample(f"FramebufferUpdate, {name}", update([rectangle(encoding, body, width, height)]))
        for name, encoding, width, height, body in BODIES
    ),
    Sample(
        "FramebufferUpdate, several",
        update(rectangle(encoding, body, width, height) for _, encoding, width, height, body in BODIES),
    ),
    Sample("FramebufferUpdate, LastRect", b"\0\0\xff\xff" + rectangle(1, _hex("0003 0003")) + LAST_RECT),
]

BOOKKEEPING = [
    Sample("ServerCutText, caps", _hex("03 000000 fffffff8 1f000001 00000000")),
    Sample("ServerCutText, request", _hex("03 000000 fffffffc 02000001")),
    Sample("ServerCutText, peek", _hex("03 000000 fffffffc 04000000")),
]

COPIED = [
    Sample("ServerCutText", _hex("03 000000 00000005") + b"hello"),
    Sample("ServerCutText, empty", _hex("03 000000 00000000")),
    Sample("ServerCutText, notify", _hex("03 000000 fffffffc 08000001")),
    Sample("ServerCutText, provide", _hex("03 000000 fffffff6 10000001 789c03000001")),
    Sample("ServerCutText, caps with more in it", _hex("03 000000 fffffff4 1f000001 00000000 41424344")),
    Sample("ServerCutText, request with more in it", _hex("03 000000 fffffff8 02000001 41424344")),
    Sample("ServerCutText, two acts", _hex("03 000000 fffffffc 0a000001")),
]

OTHERS = [
    Sample("SetColourMapEntries", _hex("01 00 0000 0002 000000000000 ffffffffffff")),
    Sample("Bell", b"\x02"),
    Sample("EndOfContinuousUpdates", b"\x96"),
    Sample("ServerFence", _hex("f8 000000 80000003 02 0303")),
    Sample("xvp", _hex("fa 00 01 01")),
    Sample("gii version", _hex("fd 81 0004 0001 0001")),
    Sample("gii version, little-endian", _hex("fd 01 0400 0100 0100")),
    Sample("gii device creation response", _hex("fd 82 0004 00000001")),
    Sample("QEMU audio, begin", _hex("ff 01 0001")),
    Sample("QEMU audio, end", _hex("ff 01 0000")),
    Sample("QEMU audio, data", _hex("ff 01 0002 00000003 030303")),
]

PASSING = [*UPDATES, *OTHERS, *BOOKKEEPING]
SERVER_SAMPLES = [*PASSING, *COPIED]
