"""The two handshakes that the gateway takes part in: log in to a VNC server, and let a viewer in.

With a password on the endpoint the gateway runs both: `ServerLogin` answers the VNC server's authentication,
and `ViewerLogin` offers the already authenticated browser the security type None, so that the password stays
here. Both end right before ClientInit (RFC 6143 section 7.3.1), from where the two streams fit together and
are only relayed.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from .auth import CHALLENGE_SIZE, vncauth_response
from .buffer import Data, ExactReader, Steps
from .errors import AuthenticationFailed, Peer, RFBError
from .observer import HandshakeObserver, HandshakePhase
from .wire import (
    MAX_FIELD,
    V3_8,
    SecurityResult,
    SecurityType,
    Version,
    describe_types,
    looks_like_banner,
    read_reason,
    read_version,
    uint32,
)

__all__ = [
    "HandshakeObserver",
    "HandshakePhase",
    "LoginState",
    "ServerLogin",
    "ViewerLogin",
    "looks_like_banner",
]

_GIVE_PASSWORD = (
    "Give set_host_port or set_unix_socket the password that the server was started with; only its first 8 bytes count."
)
_OFFER_ANOTHER = (
    "Start the VNC server with one of these: TigerVNC with -SecurityTypes VncAuth, "
    "or with -SecurityTypes None on a Unix socket."
)
_LET_IT_REST = (
    "Look into the server's log; TigerVNC refuses everybody for a while "
    "after a dozen connections that ended before they had logged in."
)


@dataclass(frozen=True)
class _Refusal:
    """How a server said no, and what to do then."""

    what: str
    remedy: str

    def error(self, reason: str) -> AuthenticationFailed:
        return AuthenticationFailed(self.what, remedy=self.remedy, reason=reason)


_NO_CONNECTION = _Refusal("The VNC server refuses the connection", _LET_IT_REST)
_TOO_MANY_ATTEMPTS = _Refusal("The VNC server refuses the connection after too many attempts", _LET_IT_REST)
_WRONG_PASSWORD = _Refusal("The VNC server refuses the password", _GIVE_PASSWORD)


class LoginState(enum.Enum):
    """How far a login is."""

    UNDERWAY = "underway"
    DONE = "done"
    FAILED = "failed"


class _Login(ABC):
    """Bytes in, bytes out, around a handshake that reads as straight-line code.

    Attributes:
        state: how far it is.
        version: what the two agreed on; None before that.
        leftover: bytes of the peer that arrived behind the handshake; set when it is done.
    """

    def __init__(self, peer: Peer) -> None:
        self.state = LoginState.UNDERWAY
        self.version: Version | None = None
        self.leftover = b""
        self._reader = ExactReader(peer, cap=MAX_FIELD)
        self._out = bytearray()
        self._steps = self._handshake()

    def __repr__(self) -> str:
        waiting = f", waiting for {self._reader.waiting_for}" if self.state is LoginState.UNDERWAY else ""
        return f"<{type(self).__name__} {self.state.value}, {self.version or 'no version yet'}{waiting}>"

    @property
    def done(self) -> bool:
        """Whether the handshake has succeeded; ClientInit comes next, and `leftover` is final."""
        return self.state is LoginState.DONE

    def start(self) -> bytes:
        """Return what to send before anything was received; call it once, at first."""
        self._require_underway("start")
        return self._advance()

    def receive(self, data: Data) -> bytes:
        """Take what the peer sent and return what to send to it, which may be nothing.

        Look at `done` after each call; once it is True, call no more and pass `leftover` on.

        Raises:
            RemoteProtocolError: the peer does not speak RFB.
            AuthenticationFailed: the VNC server refuses (`ServerLogin` only).
            RuntimeError: the handshake is over; a bug of the caller.
        """
        self._require_underway("receive")
        self._reader.feed(data)
        return self._advance()

    def receive_eof(self) -> NoReturn:
        """Take note that the peer closed the connection in mid-handshake, and raise what that means.

        Raises:
            RemoteProtocolError: names the field that was waited for.
            AuthenticationFailed: the server had refused already, and only its reason was missing
                (`ServerLogin` only).
            RuntimeError: the handshake is over; a bug of the caller.
        """
        self._require_underway("receive_eof")
        self.state = LoginState.FAILED
        raise self._lost()

    def _lost(self) -> RFBError:
        return self._reader.error(self._reader.waiting_for, "the end of the connection", "more bytes")

    def _require_underway(self, method: str) -> None:
        if self.state is not LoginState.UNDERWAY:
            raise RuntimeError(f"{type(self).__name__}.{method} was called on a handshake that is {self.state.value}")

    def _advance(self) -> bytes:
        # Failed until shown otherwise: a generator that raised says StopIteration when it is asked again,
        # which must never pass for a login.
        self.state = LoginState.FAILED
        try:
            next(self._steps)
        except StopIteration:
            self.state = LoginState.DONE
            self.leftover = self._reader.take_rest()
        else:
            self.state = LoginState.UNDERWAY
        out = bytes(self._out)
        self._out.clear()
        return out

    def _send(self, data: bytes) -> None:
        self._out += data

    @abstractmethod
    def _handshake(self) -> Steps[None]:
        """Talk to the peer: read from the reader, write with `_send`, return when ClientInit comes next."""


class ServerLogin(_Login):
    """The gateway as the client of a VNC server, from its banner to right before ClientInit.

    Attributes:
        banner_seen: the server has sent a valid ProtocolVersion, so it is a VNC server and it is up.
        security_type: what was chosen; None before that.
        unprotected: the server lets in whoever asks, with or without a password.
    """

    def __init__(self, password: str | None) -> None:
        """Prepare.

        Args:
            password: the endpoint's, or None when it has none. It is not in the `repr` of this object.
        """
        super().__init__(Peer.VNC_SERVER)
        self.banner_seen = False
        self.security_type: SecurityType | None = None
        self.unprotected = False
        self._password = password
        self._refusal: _Refusal | None = None

    def _lost(self) -> RFBError:
        return super()._lost() if self._refusal is None else self._refusal.error("")

    def _handshake(self) -> Steps[None]:
        try:
            yield from self._log_in()
        finally:
            self._password = None

    def _log_in(self) -> Steps[None]:
        version = yield from read_version(self._reader)
        self.banner_seen = True
        self.version = version
        self._send(version.banner)

        offered = yield from self._read_offer(version)
        if not offered:
            self._refusal = _NO_CONNECTION
            raise self._refusal.error((yield from read_reason(self._reader)))
        self.unprotected = SecurityType.NONE in offered
        chosen = self._choose(offered)
        self.security_type = chosen
        if not version.server_decides:
            self._send(bytes([chosen]))

        if chosen is SecurityType.VNC_AUTH:
            yield from self._answer_challenge()
        if chosen is SecurityType.VNC_AUTH or version.none_has_result:
            yield from self._read_result(version)

    def _read_offer(self, version: Version) -> Steps[Sequence[int]]:
        """Read the security types that the server offers (section 7.1.2); none means that it refuses."""
        if version.server_decides:
            only = yield from self._reader.read_uint(4, "security-type")
            return [] if only == SecurityType.INVALID else [only]
        count = yield from self._reader.read_uint(1, "number-of-security-types")
        return (yield from self._reader.read_exact(count, "security-types"))

    def _choose(self, offered: Sequence[int]) -> SecurityType:
        """Pick the strongest that both can do."""
        if self._password is not None and SecurityType.VNC_AUTH in offered:
            return SecurityType.VNC_AUTH
        if SecurityType.NONE in offered:
            return SecurityType.NONE
        if SecurityType.VNC_AUTH in offered:
            raise AuthenticationFailed(
                "The VNC server asks for a password and the session's endpoint has none",
                remedy=_GIVE_PASSWORD,
            )
        raise AuthenticationFailed(
            f"The VNC server offers the security types {describe_types(offered)}; the gateway can do "
            f"{describe_types([SecurityType.NONE, SecurityType.VNC_AUTH])}",
            remedy=_OFFER_ANOTHER,
        )

    def _answer_challenge(self) -> Steps[None]:
        challenge = yield from self._reader.read_exact(CHALLENGE_SIZE, "challenge")
        assert self._password is not None, "VNC Authentication is chosen only with a password"
        self._send(vncauth_response(self._password, challenge))

    def _read_result(self, version: Version) -> Steps[None]:
        """Read the SecurityResult (section 7.1.3); return only when it is OK."""
        status = yield from self._reader.read_uint(4, "SecurityResult")
        if status == SecurityResult.OK:
            return
        if status not in tuple(SecurityResult):
            raise self._reader.error("SecurityResult", status, "0 (OK), 1 (failed) or 2 (too many attempts)", back=4)
        if status == SecurityResult.TOO_MANY_ATTEMPTS:
            self._refusal = _TOO_MANY_ATTEMPTS
        elif self.security_type is SecurityType.VNC_AUTH:
            self._refusal = _WRONG_PASSWORD
        else:
            self._refusal = _NO_CONNECTION
        raise self._refusal.error((yield from read_reason(self._reader)) if version.failure_has_reason else "")


class ViewerLogin(_Login):
    """The gateway as the server of a viewer that was authenticated already.

    It offers RFB 3.8, takes 3.7 and 3.3 as well, and knows the security type None only. `start()` returns the
    banner that opens the conversation.
    """

    def __init__(self) -> None:
        super().__init__(Peer.VIEWER)

    def _handshake(self) -> Steps[None]:
        self._send(V3_8.banner)
        version = yield from read_version(self._reader)
        self.version = version
        if version.server_decides:
            self._send(uint32(SecurityType.NONE))
        else:
            self._send(bytes([1, SecurityType.NONE]))
            chosen = yield from self._reader.read_uint(1, "security-type")
            if chosen != SecurityType.NONE:
                raise self._reader.error("security-type", chosen, describe_types([SecurityType.NONE]), back=1)
        if version.none_has_result:
            self._send(uint32(SecurityResult.OK))
