"""Bounds on links of shares that lead nowhere: who has no login must not try one secret after another."""

from __future__ import annotations

import time

from remote_service import conf
from remote_service.admission.rate import RateLimit
from remote_service.monitoring.metrics import REFUSED

_limits: dict[int, RateLimit] = {}


def try_link(address: str) -> float:
    """Lets somebody without a login try a link; 0 then, else the seconds after which to try again.

    As many may lead nowhere as log-ins may fail; for what leads somewhere call `led_somewhere`.
    """
    wait = _limit().take(address)
    if wait:
        REFUSED.labels("link rate").inc()
    return wait


def led_somewhere(address: str) -> None:
    """It does not count: a whole course may come from behind one address."""
    _limit().give_back(address)


def _limit() -> RateLimit:
    per_minute = conf.current().log_ins_per_minute
    if per_minute not in _limits:
        _limits.clear()
        _limits[per_minute] = RateLimit(per_minute, time.monotonic)
    return _limits[per_minute]
