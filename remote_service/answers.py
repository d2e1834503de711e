"""What a script answers when it is asked whether its session lives: one of four words and a reason.

*Unknown* exists because a question that could not be answered is not the answer "ended": an unknown
session is never freed and never stopped by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Answer(StrEnum):
    """The four answers of `RemoteServiceScript.poll`."""

    ALIVE = "alive"
    """It runs and can be reached."""
    PENDING = "pending"
    """It has been asked for and does not run yet; the reason says what it waits for."""
    ENDED = "ended"
    """It has ended for certain; the reason says how."""
    UNKNOWN = "unknown"
    """It could not be found out; the reason says why."""


@dataclass(frozen=True, slots=True)
class Poll:
    """An answer and its reason, one sentence for the user (may be empty when alive)."""

    answer: Answer
    reason: str = ""

    @classmethod
    def alive(cls, reason: str = "") -> Poll:
        """It runs."""
        return cls(Answer.ALIVE, reason)

    @classmethod
    def pending(cls, reason: str) -> Poll:
        """It waits for something."""
        return cls(Answer.PENDING, reason)

    @classmethod
    def ended(cls, reason: str) -> Poll:
        """It has ended for certain."""
        return cls(Answer.ENDED, reason)

    @classmethod
    def unknown(cls, reason: str) -> Poll:
        """It could not be found out."""
        return cls(Answer.UNKNOWN, reason)
