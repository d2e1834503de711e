"""What the relay asks of the site for its viewers: it is all that serving one needs beside bytes.

In a server of one process that is the database (`gateway`); a relay in a process of its own asks over a Unix socket.
"""

from __future__ import annotations

import uuid
from typing import Protocol

from remote_service.relay.closing import Leaving
from remote_service.relay.own_services import Rules
from remote_service.relay.proof import Claim
from remote_service.relay.traffic import Carrier
from remote_service.relay.watch import Grant, Watch

MOST_UNKNOWN = 60.0
"""Seconds for which viewers stay though nobody can say what they may do any more."""


class ClerkError(Exception):
    """Nobody can be asked at the moment; the message says who does not answer."""


class NoPasswordError(Exception):
    """The session's password cannot be read any more; the message says why."""


class Clerk(Protocol):
    """Who knows the site. What is awaited may raise ClerkError."""

    @property
    def rules(self) -> Rules:
        """Where endpoints may be."""

    async def open_viewer(self, grant: Grant) -> Watch:
        """A viewer has come; what is watched changes by itself from now on."""

    async def close_viewer(self, watch: Watch, leaving: Leaving) -> None:
        """It has left; written as soon as that is possible, so that this raises nothing."""

    def carries(self, watch: Watch, carrier: Carrier) -> None:
        """Counts what is carried for it from now on."""

    def input_seen(self, session_id: uuid.UUID) -> None:
        """Somebody used the session."""

    async def password_of(self, session_id: uuid.UUID) -> str | None:
        """The session's VNC password, or None.

        Raises:
            NoPasswordError: it cannot be read.
        """

    def claim_of(self, watch: Watch) -> Claim:
        """What the session's endpoint is judged by."""

    async def unprotected(self, session_id: uuid.UUID, where: str) -> None:
        """The session's VNC server lets everybody in; raises nothing, since the next viewer finds it too."""

    async def viewer_refused(self, watch: Watch, why: str) -> None:
        """A viewer is sent away whose limits cannot be enforced."""

    async def endpoint_lost(self, watch: Watch, why: str, *, fatal: bool, refused: bool) -> None:
        """The endpoint hung up or was never there, while the viewer waits to be told what that means.

        Args:
            watch: the viewer's.
            why: in a sentence.
            fatal: it never will be what it should be.
            refused: it is not the session's own, or where no session's may be.
        """
