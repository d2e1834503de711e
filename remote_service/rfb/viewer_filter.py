"""From a viewer to its VNC server, what a policy lets pass: RFC 6143 sections 7.3.1 and 7.5, and the extensions.

It is an allow-list: unknown messages are errors, unknown encodings are struck from SetEncodings (see `encodings`), and
a message passes because the policy names it. Viewer and server thereby agree about where each message ends. ClientInit
always asks for a shared session, since a viewer that asks for an exclusive one has all others thrown out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .buffer import Data
from .clipboard import sift
from .encodings import ALLOWED, FOLLOWED, strike
from .errors import Peer
from .layout import Fixed, Layout, read_header
from .message_table import LAYOUTS, MessageType, layout_of
from .pacer import Pacer
from .pixel_format import SIZE, FormatInForce, PixelFormat
from .policy import Policy
from .sieve import NEXT_MESSAGE, Sieve, Walk, skip

SHARED = b"\x01"
"""The only ClientInit that passes."""


class ViewerFilter:
    """Bytes of the viewer in, bytes for the server out. It holds a SetEncodings at most (4100 bytes), else a header.

    Attributes:
        input_passed: whether the last `feed` let a person's input pass.
    """

    def __init__(self, policy: Policy, pacer: Pacer, format: FormatInForce | None) -> None:
        """Start before ClientInit.

        Args:
            policy: what the viewer may do.
            pacer: holds update requests back; its rate is the caller's to set.
            format: is told what the viewer sets and asks, when the server's messages are followed; else None.
        """
        self.input_passed = False
        self._pacer = pacer
        self._format = format
        self._between_messages = False
        self._by_hand: Mapping[int, Callable[[bytes, Layout], Walk[None]]] = {
            MessageType.SET_PIXEL_FORMAT: self._set_pixel_format,
            MessageType.SET_ENCODINGS: self._set_encodings,
            MessageType.FRAMEBUFFER_UPDATE_REQUEST: self._update_request,
            MessageType.CLIENT_CUT_TEXT: self._cut_text,
            MessageType.ENABLE_CONTINUOUS_UPDATES: self._continuous_updates,
        }
        # Offsets count from the first message, as those of `ClientMessageFramer` do.
        self._sieve = Sieve(self._run, offset=-1, glide=self._glide, drop=self._drop)
        self.policy = policy

    def __repr__(self) -> str:
        return f"<ViewerFilter {self._sieve!r}>"

    @property
    def policy(self) -> Policy:
        """What the viewer may do; another one holds from the next message on."""
        return self._policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self._policy = policy
        plain = {kind: layout for kind, layout in LAYOUTS.items() if kind not in self._by_hand}
        fixed = {kind: layout for kind, layout in plain.items() if isinstance(layout, Fixed)}
        self._in_any_case = {kind: layout for kind, layout in fixed.items() if policy.passes(kind)}
        self._in_no_case = {kind: layout.length for kind, layout in fixed.items() if not policy.passes(kind)}

    def feed(self, data: Data) -> Data:
        """Take what the viewer sent, and return what the server may have: `data` itself when that is all of it.

        Raises:
            RemoteProtocolError: see `Sieve.feed`, which raises the RuntimeError too.
        """
        self.input_passed = False
        return self._sieve.feed(data)

    @property
    def held_until(self) -> float | None:
        """When `release` has something; None too while a message is under way, whose end sees to that itself."""
        return self._pacer.due if self._between_messages else None

    def release(self) -> bytes:
        """Return what was held back and is due now; it goes to the server."""
        return self._asked(self._pacer.release()) if self._between_messages else b""

    def _run(self, sieve: Sieve) -> Walk[None]:
        if (yield 1) != SHARED:
            sieve.take_out(1)
            sieve.put_in(SHARED)
        while True:
            self._between_messages = True
            if due := self.release():
                sieve.put_in(due)
            kind = yield NEXT_MESSAGE
            self._between_messages = False
            layout = layout_of(kind[0], LAYOUTS, sieve.offset - 1)
            by_hand = self._by_hand.get(kind[0])
            if by_hand is not None:
                yield from by_hand(kind, layout)
            else:
                yield from self._by_policy(kind, layout)

    def _glide(self, data: Data, at: int) -> int:
        """Keys and pointers, where they pass, are most of what viewers send."""
        in_any_case, end = self._in_any_case, len(data)
        while at < end and (message := in_any_case.get(data[at])) is not None and at + message.length <= end:
            at += message.length
            self.input_passed |= message.is_input
        return at

    def _drop(self, data: Data, at: int) -> int:
        """The same where they do not: a viewer that may only look moves its pointer all the same."""
        in_no_case, end = self._in_no_case, len(data)
        while at < end and (length := in_no_case.get(data[at])) is not None and at + length <= end:
            at += length
        return at

    def _by_policy(self, kind: bytes, layout: Layout) -> Walk[None]:
        sieve, passes = self._sieve, self._policy.passes(kind[0])
        offset = sieve.offset - 1
        if not passes:
            sieve.take_out(1)
        message, header = yield from read_header(layout, kind, offset)
        self.input_passed |= passes and message.is_input
        yield from skip(message.length - len(header))
        if not passes:
            sieve.put_in(b"")

    def _cut_text(self, kind: bytes, layout: Layout) -> Walk[None]:
        passed = yield from sift(self._sieve, kind, layout, self._policy.passes_to_server)
        self.input_passed |= passed is not None and passed.is_input

    def _whole(self, kind: bytes, layout: Layout) -> Walk[bytes]:
        """Read a whole message of known length and take it out."""
        offset = self._sieve.offset - 1
        self._sieve.take_out(1)
        message, header = yield from read_header(layout, kind, offset)
        body = message.length - len(header)
        return header + (yield body) if body else header

    def _set_pixel_format(self, kind: bytes, layout: Layout) -> Walk[None]:
        if self._format is None:
            yield from self._by_policy(kind, layout)
            return
        offset = self._sieve.offset + 3
        # It passes unchanged, and nothing of it before it was judged.
        message = yield from self._whole(kind, layout)
        parsed = PixelFormat.parse(message[-SIZE:], peer=Peer.VIEWER, offset=offset)
        self._format.set(parsed, offset)
        self._sieve.put_in(message)

    def _set_encodings(self, kind: bytes, layout: Layout) -> Walk[None]:
        message = yield from self._whole(kind, layout)
        self._sieve.put_in(strike(message, ALLOWED if self._format is None else FOLLOWED))

    def _update_request(self, kind: bytes, layout: Layout) -> Walk[None]:
        if self._pacer.rate is None:
            self._asked(kind)
            yield from self._by_policy(kind, layout)
        else:
            message = yield from self._whole(kind, layout)
            self._sieve.put_in(self._asked(self._pacer.ask(message)))

    def _continuous_updates(self, kind: bytes, layout: Layout) -> Walk[None]:
        message = yield from self._whole(kind, layout)
        self._sieve.put_in(self._asked(self._pacer.promise(message)))

    def _asked(self, data: bytes) -> bytes:
        """Tell the format what goes to the server: nothing, or what makes it send updates."""
        if self._format is not None and data:
            if self._pacer.continuous:
                self._format.updates_come_unasked()
            else:
                self._format.update_was_asked_for()
        return data
