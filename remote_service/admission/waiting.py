"""Who keeps us waiting, and until when: so many connections can be looked after at the cost of those that are late."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class WaitingList(Generic[T]):
    """All wait equally long, so that whoever came first is late first."""

    def __init__(self, patience: float) -> None:
        """Prepares.

        Args:
            patience: seconds that each may wait.
        """
        self._patience = patience
        self._until: dict[T, float] = {}

    def __len__(self) -> int:
        return len(self._until)

    def __contains__(self, who: object) -> bool:
        return who in self._until

    def add(self, who: T, now: float) -> None:
        """Begins to wait, or begins again."""
        self._until.pop(who, None)
        self._until[who] = now + self._patience

    def remove(self, who: T) -> None:
        """Waits no more; nothing happens when it does not wait."""
        self._until.pop(who, None)

    def pop_oldest(self) -> T:
        """Removes who has waited longest.

        Raises:
            StopIteration: nobody waits.
        """
        who = next(iter(self._until))
        del self._until[who]
        return who

    def pop_late(self, now: float, most: int) -> list[T]:
        """Removes those that have waited too long, at most so many of them."""
        late: list[T] = []
        for who, until in self._until.items():
            if until > now or len(late) >= most:
                break
            late.append(who)
        for who in late:
            del self._until[who]
        return late
