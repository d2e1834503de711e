"""Whether a supervisor of an earlier release is at work on this database: those before the lease know nothing of it.

Nothing that such a one writes says that it lives. But it does what every supervisor does: it reads the sessions file
again when that is asked for, which harms nobody. Where one may be at work, that is asked for, and waited for an answer.
"""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F

from remote_service import nudges
from remote_service.lease import Claim, look
from remote_service.models import Site

PATIENCE = 3
"""How many times the lease's time an answer may take: scripts are loaded for it."""


class EarlierRelease:
    """Asks, and judges what comes of it."""

    def __init__(self, seconds: float) -> None:
        """`seconds` is the lease's time."""
        self._seconds = seconds
        self._asked: tuple[int, float] | None = None
        """For which generation, and when (monotonic)."""
        self._found_at: float | None = None

    def is_at_work(self, claim: Claim, now: float) -> bool | None:
        """Whether one is, when the lease is free; None while that is not known yet.

        Args:
            claim: the lease as it was seen.
            now: monotonic seconds.
        """
        site = Site.load()
        if self._found_at is not None and now - self._found_at < PATIENCE * self._seconds:
            return True
        if self._asked is None:
            if not self._may_be(claim, site):
                return False
            self._ask(site, now)
            return None
        generation, since = self._asked
        if site.reload_done >= generation and look().epoch == claim.epoch:
            self._asked, self._found_at = None, now
            return True
        return False if now - since >= PATIENCE * self._seconds else None

    def _may_be(self, claim: Claim, site: Site) -> bool:
        """Types that were loaded while nobody had the lease, were loaded by one of them."""
        if site.loaded_at is None:
            return False
        return claim.epoch == 0 or site.loaded_at > claim.renewed_at + timedelta(seconds=self._seconds)

    def _ask(self, site: Site, now: float) -> None:
        Site.objects.filter(pk=1).update(reload_wanted=F("reload_wanted") + 1)
        self._asked = (site.reload_wanted + 1, now)
        nudges.nudge_supervisor()
