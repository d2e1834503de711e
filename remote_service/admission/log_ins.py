"""Bounds on log-ins: hashing a password takes long on purpose, and hundreds at once would leave no time for pages.

What succeeds does not count against its address: a whole course may log in from behind one.
"""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from collections.abc import Callable

from remote_service import conf
from remote_service.admission.rate import RateLimit, source_of
from remote_service.admission.turnstile import CrowdedError, Turnstile
from remote_service.monitoring.metrics import REFUSED

log = logging.getLogger(__name__)

AT_ONCE = max(1, (os.cpu_count() or 2) // 2)
"""Passwords that are hashed at once: half of the processors stay for everything else."""
MOST_WAITING = 20
MOST_OF_ONE = 10
"""Log-ins of one address that are under way."""
PATIENCE = 10.0
"""Seconds that one waits for its turn."""
CROWDED_RETRY = 5.0
"""Seconds after which one may try again that found too many under way."""


class Bounds:
    """What this process has let in."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._limit = RateLimit(per_minute, clock)
        self._told = RateLimit(1, clock)
        self._turnstile = Turnstile(AT_ONCE, most_waiting=MOST_WAITING, patience=PATIENCE)
        self._under_way: Counter[str] = Counter()

    async def enter(self, address: str) -> float:
        """Lets a log-in in, once it is its turn; 0 then, else the seconds after which to try again."""
        if wait := self._limit.take(address):
            REFUSED.labels("log-in rate").inc()
            if not self._told.take(""):
                log.warning(
                    "%s may not log in at the moment, since %d log-ins a minute failed from there; this is said once a "
                    "minute, whoever else is refused",
                    address or "a local socket",
                    self.per_minute,
                )
            return wait
        source = source_of(address)
        try:
            if self._under_way[source] >= MOST_OF_ONE:
                raise CrowdedError
            self._under_way[source] += 1
            try:
                await self._turnstile.enter()
            except BaseException:
                self._left(source)
                raise
        except CrowdedError:
            self._limit.give_back(address)
            REFUSED.labels("log-in crowd").inc()
            return CROWDED_RETRY
        return 0.0

    def leave(self, address: str, *, succeeded: bool) -> None:
        """It is over."""
        self._turnstile.leave()
        self._left(source_of(address))
        if succeeded:
            self._limit.give_back(address)

    def _left(self, source: str) -> None:
        self._under_way[source] -= 1
        if not self._under_way[source]:
            del self._under_way[source]


_bounds: dict[int, Bounds] = {}


def bounds() -> Bounds:
    """Those of this process."""
    per_minute = conf.current().log_ins_per_minute
    if per_minute not in _bounds:
        _bounds.clear()
        _bounds[per_minute] = Bounds(per_minute)
    return _bounds[per_minute]
