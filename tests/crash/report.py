"""The figures of a run, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tests.crash.plan import PAUSED, POINTS
from tests.crash.run import Result

BACK_WITHIN = 10.0
"""Seconds: the promise."""


def slowest(result: Result) -> float:
    """The longest time from a kill until both a view and a launch worked."""
    return max((max(view, launch) for _, view, launch in result.story.waits), default=0.0)


def passed(result: Result) -> bool:
    """Whether all is as promised."""
    verdict = result.verdict
    return not (verdict.lost or verdict.leaked or verdict.double or verdict.wrong) and slowest(result) <= BACK_WITHIN


def lines(result: Result) -> list[str]:
    """The report."""
    story, verdict = result.story, result.verdict
    kinds = Counter(kill.kind if kill.kind not in POINTS else "at a point of the table" for kill in story.kills)
    points = Counter(kill.kind for kill in story.kills if kill.kind in POINTS)
    longest = max(story.waits, key=lambda wait: max(wait[1:]), default=("", 0.0, 0.0))
    said = [
        f"kills {sum(kinds.values())} in {result.seconds:.0f} s: "
        + ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items(), key=lambda each: -each[1])),
        f"points {len(points)} of {len(POINTS)}",
        f"sessions started {result.sessions}, found again by their users {story.returns} times",
        f"lost {len(verdict.lost)}, leaked {len(verdict.leaked)}, double {len(verdict.double)}, "
        f"wrong {len(verdict.wrong)}",
        f"back after {longest[1]:.1f} s (a view) and {longest[2]:.1f} s (a launch) at worst, by {longest[0]}; "
        f"half of all within {_median([view for _, view, _ in story.waits]):.1f} s "
        f"and {_median([launch for *_, launch in story.waits]):.1f} s",
    ]
    for name in ("lost", "leaked", "double", "wrong"):
        said += [f"{name}: {line}" for line in getattr(verdict, name)]
    return said


def by_kind(result: Result) -> list[str]:
    """A table: each kind of kill, how many, the longest times until a view and a launch worked."""
    table = ["| killed | times | a view after at most | a launch after at most |", "| --- | ---: | ---: | ---: |"]
    counted = Counter(_group(kill.kind) for kill in result.story.kills)
    for kind, count in sorted(counted.items()):
        waits = [wait for wait in result.story.waits if _group(wait[0]) == kind]
        view = max((wait[1] for wait in waits), default=0.0)
        launch = max((wait[2] for wait in waits), default=0.0)
        table.append(f"| {kind} | {count} | {view:.1f} s | {launch:.1f} s |")
    return table


def _group(kind: str) -> str:
    return kind if kind == PAUSED or kind not in POINTS else f"at a point, {kind.partition('-')[0]} the event"


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2] if values else 0.0
