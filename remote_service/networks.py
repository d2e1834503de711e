"""Which addresses the gateway may connect to for its sessions: `REMOTE_SERVICE_ENDPOINT_NETWORKS`. No I/O."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

LOOPBACK = "loopback"
TYPES = "types"
DEFAULT = (LOOPBACK, TYPES)
_EVERYBODY = ipaddress.ip_address("255.255.255.255")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Networks:
    """Where the endpoints of sessions may be."""

    loopback: bool = True
    """On this machine, by whichever of its addresses; there each endpoint has to be proved."""
    types: bool = True
    """On the host that a session's type names in its `options.host`."""
    listed: tuple[Network, ...] = ()

    @classmethod
    def read(cls, words: Iterable[str]) -> Networks:
        """What the words of the setting say.

        Raises:
            ValueError: one of them is neither a network nor one of the two words.
        """
        words = tuple(words)
        return cls(LOOPBACK in words, TYPES in words, tuple(_network(w) for w in words if w not in DEFAULT))

    def refusal(self, address: Address, *, local: bool, named: bool) -> str:
        """Why nobody may be connected to this address, as the end of a sentence; empty when one may.

        Args:
            address: as `dialled` gave it.
            local: whether it is one of this machine's.
            named: whether the session's type names it.
        """
        if address.is_link_local:
            return "is link-local, which is never allowed"
        if address.is_multicast or address == _EVERYBODY:
            return "is the address of many, which is never allowed"
        if (self.loopback and local) or (self.types and named) or any(address in network for network in self.listed):
            return ""
        return "is not in REMOTE_SERVICE_ENDPOINT_NETWORKS"


USUAL = Networks()
"""What `DEFAULT` says."""


def hosts_of(options: Mapping[str, Any]) -> list[str]:
    """The machines that a type's `options.host` names, one or a list, as ssh knows them; without the users."""
    named = options.get("host", [])
    hosts = [host for host in (named if isinstance(named, list) else [named]) if isinstance(host, str)]
    return [host.rpartition("@")[2] for host in hosts if host]


@lru_cache(maxsize=1024)
def dialled(text: str) -> Address:
    """The address that is connected to when this one is asked for: IPv4 inside IPv6 is IPv4, and "any" is loopback.

    Raises:
        ValueError: it is no address.
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_unspecified:
        return ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    return address


def _network(word: str) -> Network:
    try:
        return ipaddress.ip_network(word)
    except ValueError as error:
        raise ValueError(
            f"{word!r} is no network ({error}); expected {LOOPBACK!r}, {TYPES!r}, an address or a network, "
            "such as 10.0.1.0/24"
        ) from None
