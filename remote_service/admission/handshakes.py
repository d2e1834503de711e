"""Bounds on websockets that have not been let in: how many an address may ask for, and how many are decided on at once.

Only those that are refused count, so that nobody who may look at many screens is kept from them. A decision costs
some queries in the one thread that asks the database: everybody else's must find a gap there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from remote_service import conf
from remote_service.admission.rate import RateLimit
from remote_service.admission.refusal import Application, Receive, Send, refuse_upgrade
from remote_service.admission.turnstile import CrowdedError, Turnstile
from remote_service.monitoring.metrics import PENDING, REFUSED
from remote_service.relay.detaching import DETACH
from remote_service.relay.takeover import TAKEOVER

log = logging.getLogger(__name__)

AT_ONCE = 8
MOST_WAITING = 1000
PATIENCE = 10.0
"""Seconds that one waits to be decided on."""
CROWDED_RETRY = 2.0
"""Seconds after which one may try again that found too many waiting."""

TOO_MANY = "Too many websockets were refused to this address within a minute."
CROWDED = "Too many websockets wait to be let in."


class Handshakes:
    """Decides which websockets the application gets to see."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._turnstile = Turnstile(AT_ONCE, most_waiting=MOST_WAITING, patience=PATIENCE)
        self._limits: dict[int, RateLimit] = {}
        self._told = RateLimit(1, time.monotonic)
        PENDING.set_function(lambda: self._turnstile.pending)

    def _limit(self) -> RateLimit:
        per_minute = conf.current().handshakes_per_minute
        if per_minute not in self._limits:
            self._limits = {per_minute: RateLimit(per_minute, time.monotonic)}
        return self._limits[per_minute]

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Passes on, or answers 429 or 503."""
        address = (scope.get("client") or ("", 0))[0]
        limit = self._limit()
        if wait := limit.take(address):
            self._tell(address)
            REFUSED.labels("handshake rate").inc()
            await refuse_upgrade(scope, receive, send, 429, TOO_MANY, retry_after=wait)
            return
        try:
            await self._turnstile.enter()
        except CrowdedError:
            limit.give_back(address)
            REFUSED.labels("handshake crowd").inc()
            await refuse_upgrade(scope, receive, send, 503, CROWDED, retry_after=CROWDED_RETRY)
            return
        decision = _Decision(self._turnstile, limit, address)
        try:
            await self._application(_with_take_over(scope, decision), receive, _Answers(send, decision).send)
        finally:
            decision.made(accepted=False)

    def _tell(self, address: str) -> None:
        if not self._told.take(""):
            log.warning(
                "%s is refused websockets, since more than %d a minute were refused to it before; this is said once a "
                "minute, whoever else is",
                address or "a local socket",
                conf.current().handshakes_per_minute,
            )


class _Decision:
    """Whether one websocket was let in; only the first answer counts."""

    def __init__(self, turnstile: Turnstile, limit: RateLimit, address: str) -> None:
        self._turnstile: Turnstile | None = turnstile
        self._limit = limit
        self._address = address

    def made(self, *, accepted: bool) -> None:
        if self._turnstile is None:
            return
        self._turnstile.leave()
        self._turnstile = None
        if accepted:
            self._limit.give_back(self._address)


def _with_take_over(scope: dict[str, Any], decision: _Decision) -> dict[str, Any]:
    """The scope in which a transport that is taken over, or given away, counts as accepted: that is the answer then."""
    extensions = scope.get("extensions") or {}
    ways = {name: extensions[name] for name in (TAKEOVER, DETACH) if name in extensions}
    return {**scope, "extensions": {**extensions, **{name: _counted(way, decision) for name, way in ways.items()}}}


def _counted(way: Callable[[dict[str, Any]], Awaitable[Any]], decision: _Decision) -> Any:
    async def counted(accept: dict[str, Any]) -> Any:
        decision.made(accepted=True)
        return await way(accept)

    return counted


class _Answers:
    """The websocket's `send`, which sees the answer to the upgrade pass."""

    def __init__(self, send: Send, decision: _Decision) -> None:
        self.real_send = send
        self._decision = decision

    def send(self, message: dict[str, Any]) -> Awaitable[None]:
        if message["type"] == "websocket.accept":
            self._decision.made(accepted=True)
        return self.real_send(message)
