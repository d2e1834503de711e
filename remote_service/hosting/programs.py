"""What a script spawned, as a successor of its process knows it again: by pid and start time, not as its child."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from remote_service.hosting.processes import look

NEVER = 0
"""A start time that no program has: of those that ended with the machine on which they ran."""


@dataclass(frozen=True, slots=True)
class Program:
    """One of them."""

    pid: int
    start_time: int
    """Clock ticks since the machine was started (proc_pid_stat(5))."""
    name: str

    @classmethod
    def of(cls, pid: int, name: str) -> Program:
        """The program that runs with this pid now."""
        found = look(pid)
        return cls(pid, found.start_time if found else NEVER, name)

    @classmethod
    def from_list(cls, data: Sequence[Any]) -> Program:
        """What `as_list` gave."""
        pid, start_time, name = data
        return cls(int(pid), int(start_time), str(name))

    def as_list(self) -> list[Any]:
        """The JSON-able form that `from_list` takes back."""
        return [self.pid, self.start_time, self.name]

    @property
    def lives(self) -> bool:
        """Whether it still runs."""
        found = look(self.pid)
        return found is not None and not found.dead and found.start_time == self.start_time
