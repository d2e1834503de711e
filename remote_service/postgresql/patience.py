"""How long this process waits for the database, and whether it has just waited for nothing.

The limits that a server keeps (`statement_timeout` and the like) are worth nothing when the server itself hangs, and
the kernel of its machine goes on to acknowledge what it is sent: only who asks can give up.
"""

from __future__ import annotations

import time
from collections.abc import Callable

LAST_ANSWERS = 2.0
"""Seconds for any answer once the process is ending."""
PAUSE = 2.0
"""Seconds after a wait for nothing in which nobody else waits: what had queued up behind it fails at once."""


class Patience:
    """One process'."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begins; `clock` gives monotonic seconds."""
        self._clock = clock
        self._silent_since: float | None = None
        self._ending_since: float | None = None

    def hurry(self) -> None:
        """The process is ending: who waits already and who will wait is told sooner."""
        if self._ending_since is None:
            self._ending_since = self._clock()

    @property
    def ending(self) -> bool:
        """Whether the process is."""
        return self._ending_since is not None

    def over(self, began: float, seconds: float) -> bool:
        """Whether who has waited since then, for at most so many seconds, has waited long enough."""
        now = self._clock()
        if now - began >= seconds:
            return True
        return self._ending_since is not None and now - max(began, self._ending_since) >= LAST_ANSWERS

    def waited_for_nothing(self) -> None:
        """The server did not answer in time."""
        self._silent_since = self._clock()

    def answered(self) -> None:
        """It did."""
        self._silent_since = None

    @property
    def exhausted(self) -> bool:
        """Whether it is too early to ask again."""
        return self._silent_since is not None and self._clock() - self._silent_since < PAUSE


PATIENCE = Patience()
