"""Looks twice a second which connections have kept the server waiting too long; one for each event loop.

Connections on which no request is being answered may also be too many: then the one that has waited longest goes.
"""

from __future__ import annotations

import asyncio
import resource
import weakref
from collections.abc import Callable
from typing import Protocol

from remote_service.admission.waiting import WaitingList

HEADER_PATIENCE = 10.0
"""Seconds from the connection, or the first byte of a further request, to the end of its headers."""
BODY_PATIENCE = 30.0
"""Seconds from there to the end of the request."""
ANSWER_PATIENCE = 60.0
"""Seconds in which a client has to read some of an answer of which much waits for it."""
LOOK = 0.5
MOST_AT_ONCE = 32
BREAK = 0.01
"""Seconds that everybody else has after so many late ones were told: thousands may have come at the same moment."""
_SHARE = 4
"""Connections without a request may have one of so many of the descriptors that the process may open."""


class Client(Protocol):
    """A connection."""

    def late(self) -> None:
        """It did not say what it wants."""

    def late_body(self) -> None:
        """It did not say all of it."""

    @property
    def transport(self) -> asyncio.Transport:
        """It itself."""


def most_without_request() -> int:
    """How many connections may be open on which no request is being answered."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(soft // _SHARE, 16)


class Doorkeeper:
    """The connections of one event loop that wait for their client."""

    def __init__(self, loop: asyncio.AbstractEventLoop, most: int) -> None:
        """Prepares.

        Args:
            loop: theirs.
            most: how many connections without a request may be open.
        """
        self._loop = loop
        self._most = most
        self.headers: WaitingList[Client] = WaitingList(HEADER_PATIENCE)
        self.bodies: WaitingList[Client] = WaitingList(BODY_PATIENCE)
        self.answers: WaitingList[Client] = WaitingList(ANSWER_PATIENCE)
        self.idle: WaitingList[Client] = WaitingList(float("inf"))
        """Of these uvicorn's own timer ends those that say nothing for long."""
        self._tell: tuple[tuple[WaitingList[Client], Callable[[Client], None]], ...] = (
            (self.headers, lambda client: client.late()),
            (self.bodies, lambda client: client.late_body()),
            (self.answers, lambda client: client.transport.abort()),
        )
        self._timer: asyncio.TimerHandle | None = None

    def wait_in(self, waiting: WaitingList[Client], client: Client) -> None:
        """A client has to do something, as the list that it waits in says."""
        waiting.add(client, self._loop.time())
        if self._timer is None:
            self._timer = self._loop.call_later(LOOK, self._look)

    def came(self, client: Client) -> None:
        """A connection was made; when there are too many without a request, another one is closed for it."""
        self.wait_in(self.headers, client)
        if len(self.headers) + len(self.idle) > self._most:
            (self.idle if len(self.idle) else self.headers).pop_oldest().transport.abort()

    def spoke(self, client: Client) -> None:
        """A kept connection goes on."""
        self.idle.remove(client)

    def forget(self, client: Client) -> None:
        """It has gone, or is somebody else's business."""
        for waiting in (self.headers, self.bodies, self.answers, self.idle):
            waiting.remove(client)

    def _look(self) -> None:
        now, left = self._loop.time(), MOST_AT_ONCE
        for waiting, tell in self._tell:
            late = waiting.pop_late(now, left)
            for client in late:
                tell(client)
            left -= len(late)
        if not left:
            self._timer = self._loop.call_later(BREAK, self._look)
        elif len(self.headers) or len(self.bodies) or len(self.answers):
            self._timer = self._loop.call_later(LOOK, self._look)
        else:
            self._timer = None


_doorkeepers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Doorkeeper] = weakref.WeakKeyDictionary()


def doorkeeper(loop: asyncio.AbstractEventLoop) -> Doorkeeper:
    """The one of an event loop."""
    found = _doorkeepers.get(loop)
    if found is None:
        found = _doorkeepers[loop] = Doorkeeper(loop, most_without_request())
    return found
