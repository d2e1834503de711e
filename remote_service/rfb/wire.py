"""The fields that both sides of an RFB handshake share: version, security type, result, reason.

RFC 6143 section 7.1, and its appendix A for the older versions. What a version does otherwise than the others
is in one table, `Version`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from .buffer import Data, ExactReader, Steps
from .errors import clean_reason

BANNER_SIZE = 12
MAX_FIELD = 4096
"""The longest single field of a handshake that is accepted, in bytes. Only a reason can be longer than 255
bytes; servers send a sentence there, so more is a peer that does not mean well or does not speak RFB."""

_BANNER_SHAPE = b"RFB ddd.ddd\n"


@dataclass(frozen=True)
class Version:
    """What a version of the protocol does in the handshake (RFC 6143 section 7.1.1 and appendix A)."""

    minor: int
    server_decides: bool
    """The server names the one security type, as a U32; later the viewer picks from a list, by a byte."""
    none_has_result: bool
    """A SecurityResult follows the security type None too."""
    failure_has_reason: bool
    """A failed SecurityResult is followed by a reason."""

    @property
    def banner(self) -> bytes:
        """The ProtocolVersion message."""
        return b"RFB 003.%03d\n" % self.minor

    def __str__(self) -> str:
        return f"RFB 3.{self.minor}"


V3_3 = Version(3, server_decides=True, none_has_result=False, failure_has_reason=False)
V3_7 = Version(7, server_decides=False, none_has_result=False, failure_has_reason=False)
V3_8 = Version(8, server_decides=False, none_has_result=True, failure_has_reason=True)

VERSIONS = {version.banner: version for version in (V3_3, V3_7, V3_8)}
"""The published versions by their ProtocolVersion message."""


class SecurityType(enum.IntEnum):
    """The security types that we can do (RFC 6143 section 7.2); 0 announces a refusal."""

    INVALID = 0
    NONE = 1
    VNC_AUTH = 2


class SecurityResult(enum.IntEnum):
    """RFC 6143 section 7.1.3; 2 comes from servers with the Tight extensions (rfbproto, SecurityResult)."""

    OK = 0
    FAILED = 1
    TOO_MANY_ATTEMPTS = 2


_TYPE_NAMES = {
    1: "None",
    2: "VNC Authentication",
    5: "RSA-AES",
    6: "RSA-AES unencrypted",
    16: "Tight",
    17: "UltraVNC",
    18: "TLS",
    19: "VeNCrypt",
    20: "SASL",
    22: "xvp",
    30: "Apple Diffie-Hellman",
    113: "MSLogonII",
    129: "RSA-AES-256",
}


def describe_types(types: Iterable[int]) -> str:
    """Return security types as a sentence lists them: `2 (VNC Authentication), 19 (VeNCrypt), 77`."""
    return ", ".join(f"{n} ({_TYPE_NAMES[n]})" if n in _TYPE_NAMES else str(n) for n in types)


def looks_like_banner(data: Data) -> bool | None:
    """Say whether a stream begins as RFB does, with `RFB ddd.ddd` and a line feed.

    Args:
        data: the stream's first bytes; what follows the twelfth is not looked at.

    Returns:
        True or False as soon as it is certain, None while all bytes fit but there are fewer than twelve.
    """
    begin = bytes(data[:BANNER_SIZE])
    for byte, shape in zip(begin, _BANNER_SHAPE, strict=False):
        if not (0x30 <= byte <= 0x39 if shape == ord("d") else byte == shape):
            return False
    return True if len(begin) == BANNER_SIZE else None


def read_version(reader: ExactReader) -> Steps[Version]:
    """Read a ProtocolVersion and return the version whose handshake its sender speaks.

    RFC 6143 section 7.1.1: other numbers than 3.3, 3.7 and 3.8 are seen in the field and mean 3.3. Two
    families came later and mean 3.8: Apple's 3.889, and the 4.x, 5.x and above of RealVNC and Intel.

    Raises:
        RemoteProtocolError: the stream does not begin as RFB does, or the version is below 3.
    """
    # A peer that speaks something else may never send twelve bytes: the first wrong one is enough.
    reader.waiting_for = "ProtocolVersion"
    while (verdict := looks_like_banner(reader.peek(BANNER_SIZE))) is None:
        yield
    if not verdict:
        raise reader.error("ProtocolVersion", reader.peek(BANNER_SIZE), repr(_BANNER_SHAPE) + " with digits for d")
    banner = yield from reader.read_exact(BANNER_SIZE, "ProtocolVersion")
    major, minor = int(banner[4:7]), int(banner[8:11])
    if major < 3:
        raise reader.error("ProtocolVersion", banner, "version 3.3 or later", back=BANNER_SIZE)
    if major > 3 or minor == 889:
        return V3_8
    return VERSIONS.get(banner, V3_3)


def read_reason(reader: ExactReader) -> Steps[str]:
    """Read a reason-string with its U32 length (RFC 6143 section 7.1.2) and return it harmless to print."""
    length = yield from reader.read_uint(4, "reason-length")
    return clean_reason((yield from reader.read_exact(length, "reason-string")))


def uint32(value: int) -> bytes:
    """Return a U32 as it is on the wire (RFC 6143 section 7)."""
    return value.to_bytes(4, "big")
