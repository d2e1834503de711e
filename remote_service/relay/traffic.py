"""What viewers were sent and have sent: plain numbers on each one's pump, summed only when somebody asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


class Carrier(Protocol):
    """Who counts for one viewer."""

    @property
    def bytes_down(self) -> int:
        """Bytes that it was sent."""

    @property
    def bytes_up(self) -> int:
        """Bytes that came from it."""

    @property
    def messages_down(self) -> int:
        """Messages that it was sent."""

    @property
    def messages_up(self) -> int:
        """Messages that came from it; one of more than 16 KiB counts as several."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes and messages, to viewers (down) and from them (up)."""

    bytes_down: int = 0
    bytes_up: int = 0
    messages_down: int = 0
    messages_up: int = 0

    @classmethod
    def of(cls, carriers: Iterable[Carrier]) -> Traffic:
        """What all of them have counted."""
        found = list(carriers)
        return cls(
            sum(one.bytes_down for one in found),
            sum(one.bytes_up for one in found),
            sum(one.messages_down for one in found),
            sum(one.messages_up for one in found),
        )


class Tally:
    """What one process has carried since it was started."""

    def __init__(self) -> None:
        self._open: dict[int, Carrier] = {}
        self._written: dict[int, Traffic] = {}
        """What was last taken of those that are open, to be written."""
        self._ended: dict[int, Traffic] = {}
        """Of viewers that have left, what has not been written."""
        self._gone = Traffic()

    @property
    def viewers(self) -> int:
        """How many are open."""
        return len(self._open)

    def begin(self, viewer_id: int, carrier: Carrier) -> None:
        """A viewer came."""
        self._open[viewer_id] = carrier

    def end(self, viewer_id: int) -> None:
        """It left; harmless when it did so before, or never came so far as to be counted."""
        carrier = self._open.pop(viewer_id, None)
        if carrier is not None:
            self._written.pop(viewer_id, None)
            self._ended[viewer_id] = last = Traffic.of([carrier])
            self._gone = Traffic.of([self._gone, last])

    def total(self) -> Traffic:
        """All of it."""
        return Traffic.of([self._gone, *self._open.values()])

    def ended(self) -> dict[int, Traffic]:
        """By viewers that have left, what `wrote` has not been told of."""
        return dict(self._ended)

    def unwritten(self) -> dict[int, Traffic]:
        """By viewers, what has changed since `wrote` was last told of it."""
        now = {viewer_id: Traffic.of([carrier]) for viewer_id, carrier in self._open.items()}
        changed = {key: found for key, found in now.items() if found != self._written.get(key, Traffic())}
        return {**changed, **self._ended}

    def wrote(self, traffic: dict[int, Traffic]) -> None:
        """This is kept elsewhere now."""
        for viewer_id, found in traffic.items():
            if viewer_id in self._open:
                self._written[viewer_id] = found
            elif self._ended.get(viewer_id) == found:
                del self._ended[viewer_id]
