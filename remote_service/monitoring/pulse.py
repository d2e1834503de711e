"""Whether something of this process that should happen again and again still does."""

from __future__ import annotations

import time
from collections.abc import Callable


class Pulse:
    """When it last happened."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: float | None = None

    def beat(self) -> None:
        """It happens now."""
        self._last = self._clock()

    @property
    def age(self) -> float | None:
        """Seconds since then; None when it has never happened here."""
        return None if self._last is None else self._clock() - self._last


SUPERVISOR = Pulse()
"""Every look of the supervisor that the database answered; the first one comes when the types are loaded."""
