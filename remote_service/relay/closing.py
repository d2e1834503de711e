"""How websockets end: our close codes, and what a browser's own code says about a viewer (RFC 6455 section 7.4)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from remote_service.states import ENDINGS, EndReason, ending_of
from remote_service.texts import sentence as _

RELAY_ERROR = 1011
RESTARTING = 1012
RIGHT_WITHDRAWN = 4001
RIGHTS_CHANGED = 4002
CANNOT_FILTER = 4003
SESSION_GONE = 4004
ENDPOINT_LOST = 4011

MOST_REASON_BYTES = 123
"""A close frame's payload has at most 125 bytes, two of which are the code (RFC 6455 section 5.5)."""

HAS_GONE = _("The session has gone.")
MAY_NOT_SEE = _("You are logged out, or may not see this session any more.")
NO_DATABASE = _("The gateway cannot reach its database at the moment.")
NO_BACKPRESSURE = _("The gateway runs under daphne, which holds nobody back; start it with manage.py serve.")
RIGHTS_ARE_OTHERS = _("What you may do here has changed.")
NOT_FILTERED = _("Your rights are limited here, and this screen cannot be filtered.")
SCREEN_CLOSED = _("The session's screen closed the connection.")
SENTENCES = (
    HAS_GONE, MAY_NOT_SEE, NO_DATABASE, NO_BACKPRESSURE, RIGHTS_ARE_OTHERS, NOT_FILTERED, SCREEN_CLOSED,
    *(ending.sentence for ending in ENDINGS.values()),
)  # fmt: skip
"""What a reason can begin with, for pages that show one; else it is one of `details`, or of a program. What follows an
ending's sentence is a detail, or of scripts, staff and programs."""

SENT_AWAY = {
    1000: _("the session ended"),
    RELAY_ERROR: _("the connection failed"),
    RESTARTING: _("the server stopped"),
    RIGHT_WITHDRAWN: _("logged out, or not allowed any more"),
    RIGHTS_CHANGED: _("what they may do has changed"),
    CANNOT_FILTER: _("what they may not do could not be kept from them"),
    SESSION_GONE: _("the session had gone"),
    4008: _("the session was not used for too long"),
    4009: _("the session's time was up"),
    4010: _("the session could not be started"),
    ENDPOINT_LOST: _("the screen was lost"),
    4013: _("staff stopped the session"),
}
"""Of a viewer that the gateway sent away: why, in a few words, by the code."""

_GOODBYES = frozenset({1000, 1001, 1005})


@dataclass(frozen=True, slots=True)
class Close:
    """A code and a sentence for the viewer."""

    code: int
    reason: str

    def message(self) -> dict[str, object]:
        """The ASGI message, its reason cut to what fits into the frame."""
        cut = self.reason.encode(errors="replace")[:MOST_REASON_BYTES].decode(errors="ignore")
        return {"type": "websocket.close", "code": self.code, "reason": cut}


def close_for(end_reason: str, detail: str) -> Close:
    """What viewers of a session are told that ends for this reason."""
    if not end_reason:
        return Close(SESSION_GONE, HAS_GONE)
    ending = ending_of(end_reason)
    return Close(ending.close_code, f"{ending.sentence} {detail}".strip())


def endpoint_refused(why: str) -> str:
    """What a viewer is told whose session goes on, though this viewer's connection to its endpoint was refused."""
    return f"{ENDINGS[EndReason.ENDPOINT_REFUSED].sentence} {why}"


@dataclass(frozen=True, slots=True)
class Leaving:
    """How a viewer left."""

    clean: bool
    """It is done; else it may come back, as if its line was cut."""
    close_code: int | None = None
    """With which the gateway sent it away; None when it left by itself."""

    def __str__(self) -> str:
        """For the log."""
        if self.close_code is not None:
            return f"sent away with {self.close_code}"
        return "closed" if self.clean else "line cut"

    def completed_by(self, later: Leaving) -> Leaving:
        """What is said first is believed, but with which code a viewer was sent away may be known only later."""
        return self if self.close_code is not None else replace(self, close_code=later.close_code)


CLEAN = Leaving(clean=True)
CUT = Leaving(clean=False)


def left_with(code: int) -> Leaving:
    """How a viewer left whose websocket ended with this code: it closed its window, or lost its line."""
    # This one is no viewer's: the server that stops has said it.
    return Leaving(code in _GOODBYES, close_code=code if code == RESTARTING else None)
