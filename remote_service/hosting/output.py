"""The pipe into which a session's programs print: it outlives the runner that reads it, and a successor finds it again.

Who writes into a pipe that nobody can read any more is killed by SIGPIPE (pipe(7)). So the end that programs have can
be read as well, if only by themselves: while there is no runner they wait at worst, when the pipe is full.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

STANDARD = (1, 2)


class Pipe(NamedTuple):
    """Two descriptors of the same pipe, which nothing inherits by itself."""

    read: int
    """The runner's; reading never waits."""
    write: int
    """For programs; writing may wait."""

    @classmethod
    def fresh(cls) -> Pipe:
        """A pipe of nobody's yet."""
        read, write = os.pipe()
        try:
            return cls._of(f"/proc/self/fd/{read}")
        finally:
            os.close(read)
            os.close(write)

    @classmethod
    def found(cls, preferred: Iterable[int], others: Iterable[int]) -> Pipe | None:
        """The pipe into which programs print that another process has started.

        Args:
            preferred: pids of those that a script spawned, the first of which is believed.
            others: pids of what else belongs to the session; most of them print into the same pipe.

        Returns:
            None when none of them has one, or it cannot be opened.
        """
        chosen = next((each for pid in preferred for each in _pipes_of(pid)), None)
        if chosen is None:
            count = Counter(target for pid in others for _path, target in _pipes_of(pid))
            most = max(count, key=lambda target: count[target], default=None)
            chosen = next((each for pid in others for each in _pipes_of(pid) if each[1] == most), None)
        if chosen is not None:
            with suppress(OSError):
                return cls._of(chosen[0])
        return None

    @classmethod
    def _of(cls, path: str) -> Pipe:
        read = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return cls(read, os.open(path, os.O_RDWR | os.O_CLOEXEC))
        except OSError:
            os.close(read)
            raise

    def close(self) -> None:
        """Closes both."""
        os.close(self.read)
        os.close(self.write)


def _pipes_of(pid: int) -> list[tuple[str, str]]:
    """Of its standard output and error: where it can be opened, and which pipe it is."""
    found = []
    for number in STANDARD:
        path = f"/proc/{pid}/fd/{number}"
        with suppress(OSError):
            if (target := os.readlink(path)).startswith("pipe:"):
                found.append((path, target))
    return found
