"""What happened, as the test did and saw it: kills, and what clients went through. Times are monotonic seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import NamedTuple


class Kill(NamedTuple):
    """A process of ours that the test ended, or paused."""

    at: float
    kind: str
    """What it was, or the point at which it died."""
    pid: int
    session: str = ""
    """Of a runner or a worker."""


class Trouble(NamedTuple):
    """What a client should not have seen."""

    at: float
    client: str
    token: str
    what: str


@dataclass(slots=True)
class Story:
    """Written while it happens, judged afterwards."""

    kills: list[Kill] = field(default_factory=list)
    waits: list[tuple[str, float, float]] = field(default_factory=list)
    """After each kill: its kind, and seconds until a view and until a launch worked."""
    launched: int = 0
    """Sessions of which somebody has seen the screen."""
    seen: set[str] = field(default_factory=set)
    """Their tokens."""
    stopped: set[str] = field(default_factory=set)
    """Tokens of those that their client has asked to stop."""
    held: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Tokens of those that a client believes to be there for it: the client, the type."""
    returns: int = 0
    """How often a client came back to its session and found it."""
    lost: list[Trouble] = field(default_factory=list)
    failed: list[Trouble] = field(default_factory=list)
    """Launches of which nobody ever saw the screen."""
    strange: list[Trouble] = field(default_factory=list)

    def killed(self, kind: str, pid: int, session: str = "") -> Kill:
        """Something was killed just now."""
        kill = Kill(time.monotonic(), kind, pid, session)
        self.kills.append(kill)
        return kill
