"""How old stored moments are, on a monotonic clock: a wall clock that jumps ends nobody's session.

A moment is met for the first time within a tick of its being written, and from then on it ages on the monotonic
clock. Stored UTC is believed only for moments that are older than this process: those met at its first look.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

BLIND = 5.0
"""Seconds between two looks from which on nobody could look, since the database was away: nobody could come, either."""


class Ages:
    """Remembers when each moment was met."""

    def __init__(self, gap: float = 0.0) -> None:
        """`gap`: seconds before the first look in which nobody looked, as far as stored UTC tells."""
        self._gap = gap
        self._blind: list[tuple[float, float]] = []
        """From when to when nobody looked (monotonic seconds)."""
        self._met: dict[tuple[str, str | int], tuple[datetime, float]] = {}
        self._last_look: float | None = None
        self._mono = 0.0
        self._utc: datetime | None = None

    def look(self, mono: float, utc: datetime) -> None:
        """Begins a look at the rows; `mono` in seconds, `utc` aware."""
        self._last_look = None if self._utc is None else self._mono
        since = mono - self._gap if self._last_look is None else self._last_look
        if self._last_look is None or mono - since >= BLIND:
            self._blind.append((since, mono))
        self._mono, self._utc = mono, utc

    def age(self, key: tuple[str, str | int], moment: datetime) -> float:
        """Seconds since `moment`, which is what `key` (a row's id and a column) holds at this look."""
        known = self._met.get(key)
        if known is None or known[0] != moment:
            assert self._utc is not None
            stored = max(0.0, (self._utc - moment).total_seconds())
            # Not older than the last look, at which it was not there yet.
            elapsed = stored if self._last_look is None else min(stored, self._mono - self._last_look)
            known = self._met[key] = (moment, self._mono - elapsed)
        return self._mono - known[1]

    def watched(self, key: tuple[str, str | int], moment: datetime) -> float:
        """The same without the time in which nobody looked: nobody could do anything about it then."""
        age = self.age(key, moment)
        met = self._mono - age
        return age - sum(max(0.0, end - max(begin, met)) for begin, end in self._blind)

    def forget_all_but(self, live: Collection[str]) -> None:
        """Drops the moments of rows that are not live any more; a key begins with its row's id."""
        self._met = {key: met for key, met in self._met.items() if key[0] in live}
