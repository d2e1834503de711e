"""Who would supervise: looks at the lease, takes it when it may, and says why not when that has changed."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from enum import Enum

from remote_service import lease, pid_file, same_site
from remote_service.conf import GatewaySettings
from remote_service.earlier_release import EarlierRelease
from remote_service.hosting.machine import place_of
from remote_service.lease import Claim, Fence
from remote_service.models import Site

log = logging.getLogger(__name__)

EPOCH = "epoch"
"""The file in the state directory, as the runners of its sessions are, that keeps the last epoch."""


class Obstacle(Enum):
    """Why a candidate does not supervise."""

    HELD = "somebody else has the lease"
    EARLIER = "a supervisor of an earlier release, which knows no lease, is at work"
    ASKED = "whether there is such a one is being found out"


class Candidate:
    """Of one process."""

    def __init__(self, settings: GatewaySettings, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives monotonic seconds."""
        self._settings = settings
        self._clock = clock
        self._place = place_of(settings.run_dir)
        self._barrier: int | None = None
        """Open as long as no server before the lease may be started beside us."""
        self._said: Obstacle | None = None
        self._compared = False
        self._claim: Claim | None = None
        self.epoch = 0
        """The lease's, as it was seen last."""
        self.published: int | None = None
        """Which generation of the types was published last; None before any was."""
        self.begin()

    def begin(self) -> None:
        """Gives whoever has the lease, or may be at work without one, the whole time to show it."""
        self._wait = lease.Wait(self._settings.lease_time)
        self._earlier = EarlierRelease(self._settings.lease_time)
        self._said = None

    def close(self) -> None:
        """Supervises no more."""
        if self._barrier is not None:
            os.close(self._barrier)
            self._barrier = None

    def say_who_goes_on(self) -> None:
        """Says whose the sessions are that somebody wanted to end here."""
        if self._claim is not None and self._claim.holder:
            log.warning(
                "another supervisor (%s, process %s) holds the sessions, which go on; Ctrl-C there ends them",
                self._claim.place,
                self._claim.process.partition(" ")[0],
            )

    def look(self) -> Fence | None:
        """Looks once, and takes the lease if it may; None when it does not have it.

        Raises:
            django.db.Error: the database does not answer.
        """
        if not self._compared:
            same_site.complain(self._place)
            self._compared = True
        claim = self._claim = lease.look()
        self.epoch, self.published = claim.epoch, _published()
        obstacle = self._obstacle(claim)
        if obstacle is None:
            fence = lease.take(claim, self._place, self._settings.state_dir / EPOCH)
            if fence is not None:
                log.info("supervising, epoch %d", fence.epoch)
                return fence
            obstacle = Obstacle.HELD
        if obstacle is not self._said:
            self._said = obstacle
            _say(obstacle, claim)
        return None

    def _obstacle(self, claim: Claim) -> Obstacle | None:
        now = self._clock()
        if not self._wait.may_take(claim, now):
            return Obstacle.HELD
        if self._barrier is None:
            self._barrier = pid_file.share(self._settings.state_dir)
        if self._barrier is None:
            return Obstacle.EARLIER
        return {None: Obstacle.ASKED, True: Obstacle.EARLIER, False: None}[self._earlier.is_at_work(claim, now)]


def _published() -> int | None:
    return Site.objects.filter(pk=1, loaded_at__isnull=False).values_list("reload_done", flat=True).first()


def _say(obstacle: Obstacle, claim: Claim) -> None:
    if obstacle is Obstacle.EARLIER:
        log.error(
            "a supervisor of an earlier release, which knows no lease, is at work on this database; standing by until "
            "it has been stopped"
        )
    elif obstacle is Obstacle.ASKED:
        log.info("looking whether a supervisor of an earlier release is at work on this database")
    else:
        log.info("another supervisor is at work (%s, epoch %d); standing by", claim.place, claim.epoch)
