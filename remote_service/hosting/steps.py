"""What the course of a session asks of its runner, and how the runner answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Command(StrEnum):
    """What the course asks of the runner."""

    CALL = "call"
    """Make the named call in the worker."""
    INTERRUPT = "interrupt"
    """Raise an exception inside the running call."""
    REPLACE = "replace"
    """Kill the worker if it lives, fork a new one and load the saved state."""
    CLEAN = "clean"
    """End what is left, remove the scratch directory."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command; `call` and `arguments` belong to `CALL`."""

    command: Command
    call: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended: `kind` is done, refused, falsy, raised, exited or interrupted; `detail` one sentence.

    `value` belongs to a `poll` that is done: answer, reason, progress.
    """

    kind: str
    detail: str = ""
    value: Sequence[str] = ()
