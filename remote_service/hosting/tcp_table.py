"""The machine's TCP sockets as `/proc/net/tcp` and `tcp6` list them (proc(5)): text in, records out."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

LISTEN = "0A"
ANY_ADDRESS = ("0.0.0.0", "::")

Place = tuple[str, int]
"""An address, IPv4 inside IPv6 as plain IPv4, and a port."""


@dataclass(frozen=True, slots=True)
class TcpSocket:
    """One line."""

    local: Place
    remote: Place
    state: str
    uid: int
    """Whose it is: of a connection that nobody has accepted yet, 0."""
    inode: int
    """By which `/proc/PID/fd` names it; 0 while nobody has accepted it, and once its owner has closed it."""

    @property
    def listens(self) -> bool:
        """Whether it takes connections, rather than being one."""
        return self.state == LISTEN


def tcp_sockets(lines: Iterable[str], *, ipv6: bool, port: int | None = None) -> Iterator[TcpSocket]:
    """The sockets that the lines tell of, in their order; those at this local port only, if one is given."""
    wanted = None if port is None else f":{port:04X}"
    for line in lines:
        if wanted is not None and wanted not in line:
            continue
        fields = line.split(maxsplit=10)
        if len(fields) > 9 and ":" in fields[1] and (wanted is None or fields[1].endswith(wanted)):
            yield TcpSocket(
                _place(fields[1], ipv6=ipv6),
                _place(fields[2], ipv6=ipv6),
                fields[3],
                int(fields[7]),
                int(fields[9]),
            )


def _place(text: str, *, ipv6: bool) -> Place:
    """Addresses are 32-bit words in the machine's byte order, printed in hexadecimal; ports are not turned around."""
    address, port = text.split(":")
    words = [bytes.fromhex(address[i : i + 8])[::-1] for i in range(0, len(address), 8)]
    return plain(str((ipaddress.IPv6Address if ipv6 else ipaddress.IPv4Address)(b"".join(words)))), int(port, 16)


@lru_cache(maxsize=1024)
def plain(address: str) -> str:
    """An address as it is compared: without a zone, IPv4 inside IPv6 as IPv4."""
    found = ipaddress.ip_address(address.partition("%")[0])
    return str(getattr(found, "ipv4_mapped", None) or found)
