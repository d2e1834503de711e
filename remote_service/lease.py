"""The right to supervise: taken, renewed, lost; and writes that are refused once somebody else has it.

Of several candidates one holds the lease. It moves a counter; who waits takes the lease when that counter has stood
still for the lease's time on its own monotonic clock, when it was given back, or when its holder's process has ended
for sure. Each holder counts the epoch up. A write of a supervisor names its epoch and is refused when that is over, so
one that was paused and wakes up later changes nothing any more.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ParamSpec, TypeVar

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from remote_service.hosting.machine import has_ended, identity
from remote_service.models import Lease

P = ParamSpec("P")
T = TypeVar("T")


class FencedError(RuntimeError):
    """Another supervisor has taken over: nothing was written, and nothing may be done any more."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a candidate saw of the lease."""

    holder: str
    epoch: int
    renewals: int
    place: str
    process: str
    renewed_at: datetime


def look() -> Claim:
    """The lease as it is."""
    row = Lease.load()
    return Claim(row.holder, row.epoch, row.renewals, row.place, row.process, row.renewed_at)


class Wait:
    """Judges when a candidate may take the lease."""

    def __init__(self, seconds: float, ended: Callable[[str], bool] = has_ended) -> None:
        """Prepares.

        Args:
            seconds: that the counter must have stood still.
            ended: tells whether a process has ended for sure, which it can of those of the candidate's machine.
        """
        self._seconds = seconds
        self._ended = ended
        self._seen: tuple[int, int] | None = None
        self._since = 0.0

    def may_take(self, claim: Claim, now: float) -> bool:
        """Whether it is free, at a look at monotonic `now` (seconds)."""
        if not claim.holder or self._ended(claim.process):
            return True
        if self._seen != (claim.epoch, claim.renewals):
            self._seen, self._since = (claim.epoch, claim.renewals), now
        return now - self._since >= self._seconds


class Fence:
    """One holder's right, from when it was taken."""

    def __init__(self, holder: str, epoch: int, gap: float = 0.0) -> None:
        """Holds it.

        Args:
            holder: who.
            epoch: the lease's.
            gap: seconds for which nobody had held it before.
        """
        self.holder = holder
        self.epoch = epoch
        self.gap = gap
        self._left = False

    def __repr__(self) -> str:
        return f"<Fence epoch {self.epoch}>"

    def renew(self) -> None:
        """Moves the counter.

        Raises:
            FencedError: somebody else has the lease.
        """
        if self._left or not Lease.objects.filter(pk=1, epoch=self.epoch).update(
            renewals=F("renewals") + 1, renewed_at=timezone.now()
        ):
            raise FencedError(f"epoch {self.epoch} is over")

    def check(self) -> None:
        """Looks whether it still holds; what is not a write can be bound to it no better than so.

        Raises:
            FencedError: somebody else has the lease.
        """
        if self._left or not Lease.objects.filter(pk=1, epoch=self.epoch).exists():
            raise FencedError(f"epoch {self.epoch} is over")

    def write(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls a function that writes, in a transaction in which nobody can take the lease.

        Raises:
            FencedError: somebody else has it; the function was not called.
        """
        with transaction.atomic():
            if self._left or not Lease.objects.select_for_update().filter(pk=1, epoch=self.epoch).exists():
                raise FencedError(f"epoch {self.epoch} is over")
            return function(*args, **kwargs)

    def leave(self) -> None:
        """Nothing may be done under it any more, whether somebody else has it or not."""
        self._left = True

    def give_back(self) -> None:
        """Lets the next one take it at once; harmless when somebody else has it."""
        self.leave()
        Lease.objects.filter(pk=1, epoch=self.epoch).update(holder="", process="", renewed_at=timezone.now())


def take(claim: Claim, place: str, memory: Path | None = None) -> Fence | None:
    """Takes the lease as it was seen; None when somebody was faster, or it has been renewed meanwhile.

    Args:
        claim: what was seen.
        place: the candidate's.
        memory: a file of the state directory that keeps the epoch. A database that was restored from a copy is
            behind it, and runners refuse whoever orders less than they have heard.
    """
    holder, epoch, now = uuid.uuid4().hex, max(claim.epoch, _remembered(memory)) + 1, timezone.now()
    seen = Lease.objects.filter(pk=1, epoch=claim.epoch, renewals=claim.renewals, holder=claim.holder)
    taken = seen.update(
        holder=holder, epoch=epoch, renewals=0, place=place, process=identity(), taken_at=now, renewed_at=now
    )
    if taken and memory is not None:
        with suppress(OSError):  # a full disk keeps nobody from supervising
            memory.write_text(f"{epoch}\n")
    gap = max(0.0, (now - claim.renewed_at).total_seconds())
    return Fence(holder, epoch, gap if claim.epoch else 0.0) if taken else None


def _remembered(memory: Path | None) -> int:
    try:
        return int(memory.read_text()) if memory is not None else 0
    except (OSError, ValueError):
        return 0
