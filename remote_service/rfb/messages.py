"""Framing what a viewer sends, to tell a person's input from housekeeping.

`ClientMessageFramer` is strict and knows messages only; `InputWatch` is what the relay uses: it also follows
the handshake before the messages, and never fails. Bytes are looked at, never changed or held back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .buffer import Data
from .errors import RemoteProtocolError
from .layout import Fixed, Layout, Measured
from .message_table import EXTENDED_LAYOUTS, EXTENDED_MOUSE_BUTTONS, LAYOUTS, layout_of
from .observer import HandshakeObserver, HandshakePhase
from .wire import SecurityType

_LONGEST_HEADER = 12
"""Of the extended ClientCutText, in bytes."""
_ENCODING_SIZE = 4
_ANNOUNCEMENT = EXTENDED_MOUSE_BUTTONS.to_bytes(_ENCODING_SIZE, "big", signed=True)


class ClientMessageFramer:
    """Finds the messages in a viewer's stream after ClientInit, whatever chunks it comes in.

    Holds no more than the header of one message (12 bytes) and how much is missing of it.

    A note for whoever filters by this: viewer and server must agree on where a PointerEvent ends, and what is
    read here is what the *viewer* announced. A filter has to strip EXTENDED_MOUSE_BUTTONS from SetEncodings,
    or a viewer could hide a message from it behind a server that does not know the extension.
    """

    def __init__(self) -> None:
        self._layouts: Mapping[int, Layout] = LAYOUTS
        self._header = b""  # the begin of a message that does not tell its length yet
        self._message = Fixed(0)  # the message under way
        self._left = 0  # bytes of it that are still to come
        self._encodings = bytearray()  # the begin of an entry of SetEncodings
        self._offset = 0  # of the chunk in the stream

    def __repr__(self) -> str:
        return f"<ClientMessageFramer after {self._offset} bytes, {self._left} to come of a message>"

    def feed(self, data: Data) -> bool:
        """Follow the stream through `data`.

        Returns:
            Whether `data` holds input: any byte of a message that is a key, a pointer event or clipboard text. A
            message whose length is in a header counts from the chunk in which that header is complete.

        Raises:
            RemoteProtocolError: an unknown message, or a length that is not allowed; offsets count from the
                byte after ClientInit. The framing is lost then: do not use this object any more.
        """
        holds_input = False
        at, end = 0, len(data)
        if self._header and not self._complete_header(data):
            at = end
        while at < end:
            if self._left:
                upto = min(end, at + self._left)
                if self._message.lists_encodings:
                    self._look_for_announcement(data[at:upto])
                holds_input = holds_input or self._message.is_input
                self._left -= upto - at
                at = upto
            else:
                layout = self._measure(data, at, self._offset + at)
                if isinstance(layout, Measured):
                    self._header = bytes(data[at:])
                    break
                if layout.lists_encodings or at + layout.length > end:
                    self._message, self._left = layout, layout.length
                else:
                    holds_input = holds_input or layout.is_input
                    at += layout.length
        self._offset += end
        return holds_input

    def _measure(self, data: Data, at: int, offset: int) -> Layout:
        """Return the layout of the message at `at`: a `Measured` only when its header is not all there."""
        layout = layout_of(data[at], self._layouts, offset)
        while isinstance(layout, Measured) and at + layout.header <= len(data):
            layout = layout.measure(bytes(data[at : at + layout.header]), offset)
        return layout

    def _complete_header(self, data: Data) -> bool:
        """Go on with a header that an earlier chunk began; return whether the message's length is known now."""
        begin = self._header + data[:_LONGEST_HEADER]
        layout = self._measure(begin, 0, self._offset - len(self._header))
        if isinstance(layout, Measured):
            self._header = begin
            return False
        if layout.lists_encodings:
            self._encodings += self._header
        self._message, self._left = layout, layout.length - len(self._header)
        self._header = b""
        return True

    def _look_for_announcement(self, part: Data) -> None:
        """Look for EXTENDED_MOUSE_BUTTONS in a part of SetEncodings, which may cut entries in two.

        The header is looked through as well: it is as long as an entry and, by its type, never equal to this one.
        """
        self._encodings += part
        whole = len(self._encodings) // _ENCODING_SIZE * _ENCODING_SIZE
        entries = range(0, whole, _ENCODING_SIZE)
        if any(self._encodings[entry : entry + _ENCODING_SIZE] == _ANNOUNCEMENT for entry in entries):
            self._layouts = EXTENDED_LAYOUTS
        del self._encodings[:whole]


class InputWatch:
    """Says of each chunk from a viewer whether it holds input; the relay's clock of idleness runs on it.

    Never raises, whatever the peers send. A stream that it cannot frame (a security type that may encrypt,
    unknown messages, garbage) counts as input in every byte from there on: an idle time-out must not end a
    session in which somebody works. Make it with one of the three `for_` methods.
    """

    def __init__(self, observer: HandshakeObserver | None, on_unprotected: Callable[[], None] = lambda: None) -> None:
        self._observer = observer
        self._framer: ClientMessageFramer | None = None
        self._on_unprotected = on_unprotected

    @classmethod
    def for_rfb(cls, on_unprotected: Callable[[], None] = lambda: None) -> InputWatch:
        """Watch a connection from the VNC server's banner on, when the bytes pass untouched.

        `on_unprotected` is called when the server has let the viewer in without any authentication.
        """
        return cls(HandshakeObserver(), on_unprotected)

    @classmethod
    def for_authenticated(cls) -> InputWatch:
        """Watch from ClientInit on, after a `ViewerLogin`; begin with its `leftover`."""
        return cls(HandshakeObserver(authenticated=True))

    @classmethod
    def for_raw(cls) -> InputWatch:
        """Watch a stream that is no RFB: every byte counts."""
        return cls(None)

    def __repr__(self) -> str:
        return f"<InputWatch {self._observer.phase.value if self._observer else self._framer or 'opaque'}>"

    @property
    def needs_server(self) -> bool:
        """Whether `from_server` has to be called.

        True at first with `for_rfb`; never again once the viewer's version (in RFB 3.3 the server's security
        type) is known, long before the first big server message.
        """
        return self._observer is not None and self._observer.needs_server

    @property
    def opaque(self) -> bool:
        """Whether the stream cannot be framed, and every byte counts."""
        return self._observer is None and self._framer is None

    def from_server(self, data: Data) -> None:
        """Look at bytes of the server; does nothing, and need not be called, when `needs_server` is False."""
        if self._observer is not None:
            self._observer.from_server(data)
            self._leave_handshake(self._observer)

    def from_viewer(self, data: Data) -> bool:
        """Look at bytes of the viewer and return whether they hold input; the handshake is none."""
        if self._observer is not None:
            self._observer.from_viewer(data)
            return self._leave_handshake(self._observer)
        return self._frame(data)

    def _leave_handshake(self, observer: HandshakeObserver) -> bool:
        """Go on to the messages if the handshake is over; return whether what came behind it is input."""
        if not observer.finished:
            return False
        self._observer = None
        if observer.security_type == SecurityType.NONE:
            self._on_unprotected()
        if observer.phase is HandshakePhase.MESSAGES:
            self._framer = ClientMessageFramer()
            return self._frame(observer.viewer_messages)
        return True

    def _frame(self, data: Data) -> bool:
        if self._framer is None:
            return len(data) > 0
        try:
            return self._framer.feed(data)
        except RemoteProtocolError:
            self._framer = None
            return True
