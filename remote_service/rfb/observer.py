"""Following the RFB handshake of a viewer and a VNC server whose bytes the gateway passes on untouched.

Its only purpose is to find where the viewer's messages begin. Bytes are looked at, never changed or held back.
"""

from __future__ import annotations

import enum

from .auth import CHALLENGE_SIZE
from .buffer import Data, ExactReader, Steps
from .errors import Peer, RemoteProtocolError
from .wire import BANNER_SIZE, VERSIONS, SecurityType, read_version

MAX_EARLY_BYTES = 65536
"""Bytes that a viewer may send before the server's part that explains them; the relay keeps no more either."""

_SERVER_BYTES = BANNER_SIZE + 4
"""All that is ever needed of the server's stream: its banner, and in RFB 3.3 the U32 security type."""


class HandshakePhase(enum.Enum):
    """What comes next from the viewer."""

    VERSION = "version"
    SECURITY = "security"
    AUTHENTICATION = "authentication"
    CLIENT_INIT = "client init"
    MESSAGES = "messages"
    """The handshake is over; `viewer_messages` is set."""
    OPAQUE = "opaque"
    """This is no RFB that we can follow: another security type than None and VNC Authentication, which may
    encrypt what follows; a version that is not published; or garbage. Final."""


_FINAL = frozenset({HandshakePhase.MESSAGES, HandshakePhase.OPAQUE})


class HandshakeObserver:
    """Follows a handshake by the bytes of both directions, each fed in the order in which it is seen.

    Never raises for anything that a peer sends; what it cannot follow makes it `OPAQUE`. Once the phase is
    `MESSAGES` or `OPAQUE` it ignores what it is fed and holds nothing but `viewer_messages`.

    Attributes:
        phase: what comes next from the viewer.
        needs_server: `from_server` still has something to learn; when False it need not be called any more.
        security_type: what was chosen; None before that.
        viewer_messages: what the viewer sent behind ClientInit, as far as it was fed when the phase became
            `MESSAGES`. Later bytes are messages all, and not collected.
    """

    def __init__(self, *, authenticated: bool = False) -> None:
        """Start before the server's banner, or, when `authenticated`, right before ClientInit."""
        self.phase = HandshakePhase.CLIENT_INIT if authenticated else HandshakePhase.VERSION
        self.needs_server = not authenticated
        self.security_type: int | None = None
        self.viewer_messages = b""
        self._server = ExactReader(Peer.VNC_SERVER, cap=_SERVER_BYTES)
        self._viewer = ExactReader(Peer.VIEWER, cap=CHALLENGE_SIZE)
        self._steps = self._follow(authenticated)

    @property
    def finished(self) -> bool:
        """Whether the phase is final."""
        return self.phase in _FINAL

    def from_server(self, data: Data) -> None:
        """Look at bytes of the VNC server."""
        if self.needs_server:
            missing = _SERVER_BYTES - self._server.offset - len(self._server)
            self._server.feed(data[:missing])
            self.needs_server = len(data) < missing
            self._advance()

    def from_viewer(self, data: Data) -> None:
        """Look at bytes of the viewer."""
        if not self.finished:
            self._viewer.feed(data)
            self._advance()

    def _advance(self) -> None:
        try:
            next(self._steps)
        except StopIteration as end:
            self._finish(end.value)
        except RemoteProtocolError:
            self._finish(HandshakePhase.OPAQUE)
        else:
            if len(self._viewer) > MAX_EARLY_BYTES:
                self._finish(HandshakePhase.OPAQUE)

    def _finish(self, phase: HandshakePhase) -> None:
        self.phase = phase
        self.needs_server = False
        rest = self._viewer.take_rest()
        if phase is HandshakePhase.MESSAGES:
            self.viewer_messages = rest

    def _follow(self, authenticated: bool) -> Steps[HandshakePhase]:
        """Read both streams up to ClientInit (RFC 6143 section 7.3.1) and return the final phase."""
        if not authenticated and not (yield from self._follow_security()):
            return HandshakePhase.OPAQUE
        self.phase = HandshakePhase.CLIENT_INIT
        yield from self._viewer.read_exact(1, "shared-flag")
        return HandshakePhase.MESSAGES

    def _follow_security(self) -> Steps[bool]:
        """Read up to the end of authentication (RFC 6143 sections 7.1 and 7.2); return whether it was followed.

        The viewer's own bytes tell nearly all: the version that is spoken is its, it picks the security type, and
        after a challenge that it failed nothing more comes. Only in RFB 3.3 the server names the type.
        """
        offered = yield from read_version(self._server)
        version = VERSIONS.get((yield from self._viewer.read_exact(BANNER_SIZE, "ProtocolVersion")))
        # What a server makes of an unpublished version, or of a later one than its own, differs between servers.
        if version is None or version.minor > offered.minor:
            return False
        self.phase = HandshakePhase.SECURITY
        if version.server_decides:
            chosen = yield from self._server.read_uint(4, "security-type")
        else:
            self.needs_server = False
            chosen = yield from self._viewer.read_uint(1, "security-type")
        self.security_type = chosen
        if chosen == SecurityType.VNC_AUTH:
            self.phase = HandshakePhase.AUTHENTICATION
            yield from self._viewer.read_exact(CHALLENGE_SIZE, "response")
            return True
        return chosen == SecurityType.NONE
