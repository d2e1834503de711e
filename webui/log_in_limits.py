"""Bounds on log-ins: hashing a password takes long on purpose, and hundreds at once would leave no time for pages.

They are decided on, and refused, in the event loop, before a request has a thread. What succeeds does not count
against its address: a whole course may log in from behind one.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import resolve
from django.utils.decorators import async_only_middleware

from remote_service import conf
from remote_service.admission.rate import RateLimit, source_of
from remote_service.admission.turnstile import CrowdedError, Turnstile
from remote_service.monitoring.metrics import REFUSED
from remote_service.tasks import spawn
from webui.views.errors import too_many_log_ins

log = logging.getLogger(__name__)

HASHING = frozenset({"login", "password", "admin:login", "admin:password_change", "admin:auth_user_password_change"})
"""The pages whose forms have passwords hashed."""
AT_ONCE = max(1, (os.cpu_count() or 2) // 2)
MOST_WAITING = 20
MOST_OF_ONE = 10
"""Log-ins of one address that are under way."""
PATIENCE = 10.0
"""Seconds that one waits for its turn."""
CROWDED_RETRY = 5.0
"""Seconds after which one may try again that found too many under way."""

Answer = Callable[[HttpRequest], Awaitable[HttpResponse]]


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


@async_only_middleware
def limit_log_ins(get_response: Answer) -> Answer:
    """Has log-ins wait for their turn, or answers 429. Put it before all that is synchronous."""

    async def answer(request: HttpRequest) -> HttpResponse:
        if request.method != "POST" or not _hashes(request.path_info):
            return await get_response(request)
        address, here = request.META.get("REMOTE_ADDR") or "", bounds()
        if wait := await here.enter(address):
            return too_many_log_ins(math.ceil(wait))
        work = spawn(_finish(get_response, request, here, address), name="log-in")
        # Who hangs up must not make room for the next while its password is still being hashed.
        return await asyncio.shield(work)

    return answer


async def _finish(get_response: Answer, request: HttpRequest, here: Bounds, address: str) -> HttpResponse:
    succeeded = False
    try:
        response = await get_response(request)
        succeeded = response.status_code == 302
    finally:
        here.leave(address, succeeded=succeeded)
    return response


def _hashes(path: str) -> bool:
    try:
        return resolve(path).view_name in HASHING
    except Http404:
        return False
