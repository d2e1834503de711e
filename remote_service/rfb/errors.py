"""What can go wrong while RFB is spoken; the caller catches by whose fault it is.

    RFBError
        RemoteProtocolError     what the peer sent is not RFB, or more than we accept; a retry does not help
        AuthenticationFailed    the VNC server does not let the gateway in; a retry needs another password
                                or other options of the server

A misuse of these classes by our own code (bytes after the end, a challenge of the wrong size) is a
`RuntimeError` or `ValueError` and never one of these.
"""

from __future__ import annotations

import enum

MAX_REASON_SHOWN = 300
"""Characters of a server's reason that are kept: enough for every sentence that servers are known to send."""


class Peer(enum.Enum):
    """Who sent the bytes that an error is about; the value is how a sentence names it."""

    VNC_SERVER = "VNC server"
    VIEWER = "viewer"


REMEDIES = {
    Peer.VNC_SERVER: "Check that the session's endpoint is a VNC server.",
    Peer.VIEWER: "Connect with a viewer that speaks RFB 3.3, 3.7 or 3.8.",
}


class RFBError(Exception):
    """Base of what the peers of a connection can cause; never raised itself."""


class RemoteProtocolError(RFBError):
    """The peer sent something that is not RFB, or is more than we accept.

    Attributes:
        peer: who sent it.
        offset: where in that peer's stream the field begins, in bytes from 0.
        field: the field's name in RFC 6143 or rfbproto.
        value: what was found; text is printed as it is, everything else by its `repr`.
        allowed: what was expected, in words.
    """

    def __init__(self, peer: Peer, *, offset: int, field: str, value: object, allowed: str) -> None:
        self.peer = peer
        self.offset = offset
        self.field = field
        self.value = value
        self.allowed = allowed
        found = value if isinstance(value, str) else repr(value)
        super().__init__(
            f"The {peer.value} does not speak RFB as expected: {field} at byte {offset} is {found}, "
            f"expected {allowed}. {REMEDIES[peer]}"
        )


class AuthenticationFailed(RFBError):
    """The VNC server does not let the gateway in.

    Attributes:
        reason: the server's own words, harmless to print (`clean_reason`); empty when it gave none.
    """

    def __init__(self, what: str, *, remedy: str, reason: str = "") -> None:
        """Compose the message.

        Args:
            what: the first half of a sentence, without a full stop.
            remedy: a sentence that tells what to do next.
            reason: the server's words, cleaned by `clean_reason`.
        """
        self.reason = reason
        said = f' (it says: "{reason}")' if reason else ""
        super().__init__(f"{what}{said}. {remedy}")


def clean_reason(raw: bytes) -> str:
    """Return a server's reason as one line that cannot harm a terminal, a log or a page's layout.

    What is not UTF-8 is replaced; control characters, line ends, and the marks that turn the direction of
    text become spaces; more than `MAX_REASON_SHOWN` characters are cut, which a final `…` shows.
    """
    text = raw.decode("utf-8", errors="replace")
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= MAX_REASON_SHOWN else line[: MAX_REASON_SHOWN - 1] + "…"
