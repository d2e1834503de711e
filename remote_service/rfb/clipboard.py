"""Cut text messages: RFC 6143 sections 7.5.6 and 7.6.4; rfbproto, Extended Clipboard Pseudo-Encoding.

ClientCutText and ServerCutText have the same form, and either may be the extended one, whose length is negative and
whose flags say what it does. Only some of what they do copies anything, and those who may not copy have to be told
apart from those who keep the books.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

from .errors import Peer
from .layout import Fixed, Layout, Measured, not_allowed, read_header
from .sieve import Sieve, Walk, skip

MAX_CUT_TEXT = 32 * 1024 * 1024
"""Bytes of clipboard: rfbproto's default limit is 20 MiB of text, and servers take 256 KiB to 1 MiB."""

_FORMATS = 0xFFFF
_ACTIONS = 0xFF000000
_CAPS, _REQUEST, _PEEK, _NOTIFY, _PROVIDE = (1 << bit for bit in range(24, 29))


class ClipboardAct(enum.Enum):
    """What a cut text message does."""

    TEXT = "text"
    """It is the plain form: here is what was copied."""
    CAPS = "caps"
    """Says which formats and actions the sender takes."""
    REQUEST = "request"
    """Asks for what the other side copied."""
    PEEK = "peek"
    """Asks whether the other side copied anything."""
    NOTIFY = "notify"
    """Says that something was copied, and in which formats it is to be had."""
    PROVIDE = "provide"
    """Here is what was copied."""


_PLAIN_ACTS = {_REQUEST: ClipboardAct.REQUEST, _PEEK: ClipboardAct.PEEK, _NOTIFY: ClipboardAct.NOTIFY}


def act_of(header: bytes) -> ClipboardAct:
    """Say what a message does of which this is the header: 8 bytes, in the extended form 12.

    Caps, request, peek and notify have an exact length. What is longer, shorter, or does two things at once counts as
    `PROVIDE`, so that nothing copied passes under another name.
    """
    if len(header) < 12:
        return ClipboardAct.TEXT
    rest = -int.from_bytes(header[4:8], "big", signed=True) - 4
    flags = int.from_bytes(header[8:12], "big")
    if flags & _CAPS and rest == 4 * (flags & _FORMATS).bit_count():
        return ClipboardAct.CAPS
    if rest == 0:
        return _PLAIN_ACTS.get(flags & _ACTIONS, ClipboardAct.PROVIDE)
    return ClipboardAct.PROVIDE


def cut_text(peer: Peer, name: str) -> Measured:
    """Return the layout of this peer's cut text message, which errors call `name`."""

    def plain(header: bytes, offset: int) -> Layout:
        length = int.from_bytes(header[4:8], "big", signed=True)
        if length < 0:
            return Measured(12, extended)
        if length > MAX_CUT_TEXT:
            raise not_allowed(peer, offset + 4, f"{name} length", length, f"at most {MAX_CUT_TEXT} bytes")
        return Fixed(8 + length, is_input=True)

    def extended(header: bytes, offset: int) -> Layout:
        length = -int.from_bytes(header[4:8], "big", signed=True)
        if not 4 <= length <= MAX_CUT_TEXT:
            allowed = f"-4 (the flags alone) to -{MAX_CUT_TEXT}"
            raise not_allowed(peer, offset + 4, f"{name} length", -length, allowed)
        # Viewers send caps and request by themselves, whenever a program in the session changes the clipboard. In
        # caps the bits of the other actions say what the viewer can do, and nothing was copied.
        flags = int.from_bytes(header[8:12], "big")
        copied = flags & (_NOTIFY | _PROVIDE) and not flags & _CAPS
        return Fixed(8 + length, is_input=bool(copied))

    return Measured(8, plain)


def sift(sieve: Sieve, kind: bytes, layout: Layout, allowed: Callable[[ClipboardAct], bool]) -> Walk[Fixed | None]:
    """Read a cut text message of which the type, `kind`, was just read; let it pass or take it out.

    Returns:
        The layout of a message that passed, None of one that was taken out.
    """
    offset = sieve.offset - 1
    sieve.take_out(1)
    message, header = yield from read_header(layout, kind, offset)
    body = message.length - len(header)
    if allowed(act_of(header)):
        sieve.put_in(header)
        yield from skip(body)
        return message
    yield from skip(body)
    sieve.put_in(b"")
    return None
