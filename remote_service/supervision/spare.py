"""What a standby has ready: the types that are in force, loaded, so that it can launch as soon as it supervises.

Loading imports the sites' scripts and calls their `realize_service`, as a check of the sessions file does; nothing is
started, and nothing is written to the database.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from remote_service.catalogue import Catalogue, load_catalogue
from remote_service.conf import GatewaySettings
from remote_service.hosting.account import AccountError
from remote_service.tasks import spawn

log = logging.getLogger(__name__)

STEADY = 2.0
"""For how many lease times one has to have supervised before others load: who has just begun needs the processors."""
AT_ONCE = 2
"""How many script hosts load side by side: others are at work, and nobody waits."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A catalogue, and what it was made of."""

    catalogue: Catalogue
    generation: int
    """How many reloads had been asked for."""
    stamps: dict[Path, int]
    """When the files were written (nanoseconds)."""

    @property
    def stale(self) -> bool:
        """Whether the files have been written since: then it serves until they are read again."""
        return _stamps(self.stamps) != self.stamps


class Spare:
    """Loads beside, and hands over."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._epoch = 0
        self._since = 0.0
        self._tried: int | None = None
        self._loaded: Loaded | None = None
        self._loading: asyncio.Task[None] | None = None

    def keep_up(self, epoch: int, generation: int | None, now: float) -> None:
        """Begins to load what is in force unless that was done; to be called at each look at the lease.

        Args:
            epoch: the lease's.
            generation: of the types that its holder has published; None before it has.
            now: monotonic seconds.
        """
        if epoch != self._epoch:
            self._epoch, self._since = epoch, now
        if self._loading is not None or generation is None or generation == self._tried:
            return
        if now - self._since >= STEADY * self._settings.lease_time:
            self._tried = generation
            self._loading = spawn(self._load(generation), name="load of the types for when they are needed")

    async def hand_over(self) -> Loaded | None:
        """What is ready, or is about to be; the caller ends its script hosts. None when nothing is."""
        if self._loading is not None:
            await asyncio.wait({self._loading})
        self._tried = None
        loaded, self._loaded = self._loaded, None
        return loaded

    async def close(self) -> None:
        """Ends the script hosts."""
        if self._loading is not None:
            self._loading.cancel()
        if (loaded := await self.hand_over()) is not None:
            await loaded.catalogue.close()

    async def _load(self, generation: int) -> None:
        try:
            settings = self._settings
            before = _stamps([settings.sessions_file])
            catalogue = await load_catalogue(settings, at_once=AT_ONCE)
            if not catalogue.readable:
                await catalogue.close()
                return
            scripts = [entry.loaded.script_path for entry in catalogue.entries.values()]
            replaced, self._loaded = self._loaded, Loaded(catalogue, generation, {**_stamps(scripts), **before})
            log.info("standing by with %d session types loaded", len(catalogue.entries))
            if replaced is not None:
                await replaced.catalogue.close()
        except (AccountError, OSError) as error:
            # Whoever supervises says the same, to whom it may concern.
            log.info("standing by without session types: %s", error)
        finally:
            self._loading = None


def _stamps(paths: Iterable[Path]) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns if path.exists() else 0 for path in paths}
