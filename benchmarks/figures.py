"""Numbers that were measured, and how they are printed: median, smallest, largest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figures:
    """Repeated measurements of one thing."""

    what: str
    unit: str
    values: tuple[float, ...]

    @classmethod
    def of(cls, what: str, unit: str, values: Sequence[float]) -> Figures:
        """Keeps at least one value.

        Raises:
            ValueError: there is none.
        """
        if not values:
            raise ValueError(f"nothing was measured for {what!r}; expected at least one value")
        return cls(what, unit, tuple(values))

    @property
    def median(self) -> float:
        """The middle value."""
        return median(self.values)

    def __str__(self) -> str:
        low, high = min(self.values), max(self.values)
        return (
            f"{self.what:<52} {self.median:9.1f} {self.unit:<8} (min {low:.1f}, max {high:.1f}, n={len(self.values)})"
        )


def compared(ours: Figures, peer: Figures) -> str:
    """How far the medians of two measurements lie apart, as a difference and as a ratio."""
    difference = ours.median - peer.median
    ratio = f"{ours.median / peer.median:.2f}x" if peer.median else "no ratio to 0"
    return f"{ours.what}: {difference:+.1f} {ours.unit} against {peer.what}, {ratio}"


def bar(what: str, value: float, unit: str, *, at_most: float | None = None, at_least: float | None = None) -> str:
    """One line that says whether a bar is met."""
    met = (at_most is None or value <= at_most) and (at_least is None or value >= at_least)
    wanted = [f"at most {at_most:g}"] if at_most is not None else []
    wanted += [f"at least {at_least:g}"] if at_least is not None else []
    return f"bar {'met' if met else 'MISSED'}: {what} {value:.1f} {unit}, wanted {' and '.join(wanted)} {unit}"
