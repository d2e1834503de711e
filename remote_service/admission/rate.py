"""How often an address may do something: the generic cell rate algorithm, one number for each address."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import lru_cache

MOST_ADDRESSES = 10_000
"""Addresses that are remembered; of more, those that came longest ago are forgotten."""
_V6_NETWORK = 64
"""Bits of an IPv6 address that name a network; the rest is its owner's to choose."""


@lru_cache(maxsize=1024)
def source_of(address: str) -> str:
    """Whom an address stands for: an IPv4 address itself, an IPv6 address its network, anything else only itself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed.packed, _V6_NETWORK), strict=False))
    return str(parsed)


class RateLimit:
    """So many a minute for each address, which may come all at once."""

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        """Prepares.

        Args:
            per_minute: how many, at least one.
            clock: seconds that never go backwards.
        """
        self._interval = 60.0 / per_minute
        self._burst = 60.0 - self._interval
        self._clock = clock
        self._due: dict[str, float] = {}
        """When each address would have used up what it took, had it taken evenly; who came last is last."""

    def take(self, address: str) -> float:
        """Takes one; 0 when it was granted, else the seconds until one will be."""
        source, now = source_of(address), self._clock()
        due = max(self._due.pop(source, now), now)
        wait = due - now - self._burst
        # Rounding must not refuse the last of those that are granted.
        granted = wait <= 1e-6
        self._due[source] = due + self._interval if granted else due
        if len(self._due) > MOST_ADDRESSES:
            del self._due[next(iter(self._due))]
        return 0.0 if granted else wait

    def give_back(self, address: str) -> None:
        """One that was granted does not count after all."""
        source = source_of(address)
        if source in self._due:
            self._due[source] -= self._interval
