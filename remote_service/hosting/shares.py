"""What a session may use of its machine, and what says so to the kernel's control groups (cgroups(7)). No I/O."""

from __future__ import annotations

from dataclasses import dataclass

CONTROLLERS = {"memory": "memory", "cpu": "cpus", "pids": "tasks"}
"""The kernel's controllers, each with the limit that it keeps."""
PERIOD = 100_000
"""Microseconds in which the processors' time is counted."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a session may use; None is as much as there is."""

    memory: int | None = None
    """Bytes."""
    cpus: float | None = None
    """Processors' time in each second: 1.5 is one and a half of them."""
    tasks: int | None = None
    """Processes and threads."""

    @property
    def limited(self) -> frozenset[str]:
        """The controllers that it takes."""
        return frozenset(name for name, limit in CONTROLLERS.items() if getattr(self, limit) is not None)


@dataclass(frozen=True, slots=True)
class Write:
    """A value for a file of a group; what not every kernel has is left out where it is missing."""

    controller: str
    file: str
    value: str
    optional: bool = False


def writes(share: Share, *, unified: bool) -> list[Write]:
    """What limits a group so. Swap does not count as more memory, and version 2 ends a session's processes together."""
    found = []
    if share.memory is not None:
        most = str(share.memory)
        found += (
            [
                Write("memory", "memory.max", most),
                Write("memory", "memory.swap.max", "0", optional=True),
                Write("memory", "memory.oom.group", "1", optional=True),
            ]
            if unified
            else [
                Write("memory", "memory.limit_in_bytes", most),
                Write("memory", "memory.memsw.limit_in_bytes", most, optional=True),
            ]
        )
    if share.cpus is not None:
        quota = str(round(share.cpus * PERIOD))
        found += (
            [Write("cpu", "cpu.max", f"{quota} {PERIOD}")]
            if unified
            else [Write("cpu", "cpu.cfs_period_us", str(PERIOD)), Write("cpu", "cpu.cfs_quota_us", quota)]
        )
    if share.tasks is not None:
        found.append(Write("pids", "pids.max", str(share.tasks)))
    return found
