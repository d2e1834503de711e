"""What the relay knows of a viewer's session and rights: who was let in, and how both stand at the moment."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from remote_service.actors import Actor
from remote_service.endpoints import Endpoint
from remote_service.rfb.policy import Policy
from remote_service.states import State


@dataclass(frozen=True, slots=True)
class Grant:
    """The right to look at a session, as it was when the websocket was opened; `rows.look` says what it allows now."""

    session_id: uuid.UUID
    user_id: int | None
    """None for a guest, and for a client of the stand-alone REST."""
    login: str = field(repr=False)
    """The key of the browser's session that vouches for the user or guest; the right ends with it."""
    actor: Actor
    password_stamp: str = field(default="", repr=False)
    """Changes with the user's password (`get_session_auth_hash`): a new one ends the right, as it ends logins."""
    guest_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A session as a gateway last saw it."""

    state: State
    end_reason: str
    end_detail: str
    endpoint: Endpoint | None = None
    stream: str = "rfb"
    hosts: tuple[str, ...] = ()
    """Other machines at which its endpoint may be."""
    elsewhere: str = ""
    """The machine at which it runs, when that is not this one."""


GONE = Glimpse(State.ENDED, "", "")
NOTHING = Policy(view_only=True, no_clipboard_out=True)
"""For whom nothing is allowed any more, until it is sent away."""


@dataclass(eq=False, slots=True)
class Watch:
    """One viewer's eye on its session."""

    grant: Grant
    viewer_id: int
    glimpse: Glimpse
    policy: Policy
    """What the viewer may do now."""
    withdrawn: bool = False
    """The login that vouches for the viewer has ended, or its user may not do any more what was granted."""
    unknown: bool = False
    """For so long nobody could say how all this stands that the viewer has to go."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, condition: Callable[[Watch], bool]) -> None:
        """Waits until the condition holds."""
        while not condition(self):
            self.changed.clear()
            await self.changed.wait()
