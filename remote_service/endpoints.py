"""Where a session's bytes are: a frozen, JSON-able record, checked when it is made.

The password is not part of it: it travels apart and is stored sealed, so that an endpoint may be logged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

MAX_UNIX_PATH = 107
"""Bytes that fit into `sockaddr_un.sun_path` before its closing NUL (unix(7))."""


class EndpointKind(StrEnum):
    """How the gateway reaches the bytes."""

    TCP = "tcp"
    UNIX = "unix"
    TERMINAL = "terminal"
    XPRA = "xpra"


class EndpointError(ValueError):
    """The script named an endpoint that cannot be one; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint; which fields count depends on `kind`."""

    kind: EndpointKind
    host: str = ""
    port: int = 0
    path: str = ""
    argv: tuple[str, ...] = ()

    @classmethod
    def tcp(cls, host: object, port: object, kind: EndpointKind = EndpointKind.TCP) -> Endpoint:
        """A TCP address.

        Args:
            host: a name or an address, not empty, of printable characters without whitespace.
            port: 1 to 65535; text of digits is taken too, since scripts read ports from files.

        Raises:
            EndpointError: says which of the two was wrong, and what it was.
        """
        if not isinstance(host, str) or not 1 <= len(host) <= 253 or not host.isprintable() or " " in host:
            raise EndpointError(f"the host is {host!r}; expected a host name or an address, such as 'localhost'")
        if isinstance(port, str) and port.isascii() and port.isdigit():
            port = int(port)
        if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535:
            raise EndpointError(f"the port is {port!r}; expected a whole number from 1 to 65535")
        return cls(kind, host=host, port=port)

    @classmethod
    def unix(cls, path: object) -> Endpoint:
        """A Unix socket by its absolute path.

        Raises:
            EndpointError: the path is not absolute, holds characters that are not printable, or is too long for the
                kernel (107 bytes).
        """
        text = str(path)
        if not PurePosixPath(text).is_absolute() or not text.isprintable():
            raise EndpointError(f"the socket's path is {text!r}; expected an absolute path of printable characters")
        if len(text.encode()) > MAX_UNIX_PATH:
            raise EndpointError(
                f"the socket's path {text!r} has {len(text.encode())} bytes; the kernel allows {MAX_UNIX_PATH}: "
                "put the socket into self.scratch, whose path is short"
            )
        return cls(EndpointKind.UNIX, path=text)

    @classmethod
    def terminal(cls, argv: Sequence[object]) -> Endpoint:
        """A command to run on a terminal, as an argument list.

        Raises:
            EndpointError: it is empty, or one text where a list was expected, or nothing that could be run.
        """
        texts = not isinstance(argv, str | bytes) and bool(argv) and all(isinstance(a, str) for a in argv)
        if not texts or not str(argv[0]).isprintable() or any("\0" in str(a) for a in argv):
            raise EndpointError(f"the command is {argv!r}; expected a list of texts, such as ['tmux', 'attach']")
        return cls(EndpointKind.TERMINAL, argv=tuple(str(a) for a in argv))

    def as_dict(self) -> dict[str, Any]:
        """The JSON-able form that `from_dict` takes back."""
        return asdict(self) | {"kind": self.kind.value, "argv": list(self.argv)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Endpoint:
        """What `as_dict` gave; it is checked again, since it may have come through a process of the script's.

        Raises:
            ValueError: it is no endpoint.
        """
        kind = EndpointKind(data["kind"])
        if kind is EndpointKind.UNIX:
            return cls.unix(data["path"])
        if kind is EndpointKind.TERMINAL:
            return cls.terminal(data["argv"])
        return cls.tcp(data["host"], data["port"], kind)

    def __str__(self) -> str:
        if self.kind is EndpointKind.UNIX:
            return f"unix:{self.path}"
        if self.kind is EndpointKind.TERMINAL:
            return f"terminal:{self.argv[0]}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind.value}:{host}:{self.port}"
