"""The control groups of sessions, as a supervisor has them: for their limits, and so that nothing is left."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from remote_service import details
from remote_service.config.byte_sizes import in_words
from remote_service.config.problems import Code, Problem, Severity
from remote_service.config.schema import Limits, SessionType
from remote_service.hosting.cgroups import Groups
from remote_service.hosting.processes import look
from remote_service.hosting.shares import Share
from remote_service.hosting.status import Status
from remote_service.models import Session
from remote_service.texts import sentence as _

log = logging.getLogger(__name__)

LEAVE_PATIENCE = 1.0
"""Seconds in which a runner that may go ends by itself, with its log written to the end."""


def share_of(limits: Limits) -> Share:
    """What a session of these limits may use."""
    return Share(limits.memory, limits.cpus, limits.tasks)


class SessionGroups:
    """Where the site has named no control group nothing is done here."""

    def __init__(self, groups: Groups) -> None:
        self._groups = groups

    def unkept(self, types: Iterable[SessionType], file: Path) -> Iterator[Problem]:
        """The types whose sessions go without limits that they should have, and why; `file` is where these stand."""
        for each in types:
            if why := self._groups.why_not(share_of(each.limits)):
                found = _("limits that are not kept: %(why)s", why=why)
                clauses = (
                    found,
                    _("a control group that keeps them"),
                    _("set REMOTE_SERVICE_CGROUP to one, or leave them out"),
                )
                yield Problem(str(file), each.name, ("limits",), *clauses, Code.LIMIT_UNKEPT, Severity.WARNING)

    async def hold(self, session: Session, runner: int) -> None:
        """Puts a runner that was forked just now into the session's group; one that cannot be goes on without."""
        try:
            await asyncio.to_thread(self._groups.hold, str(session.pk), share_of(session.limits), runner)
        except OSError as error:
            log.warning("session %s: its limits of memory, processors and tasks are not kept: %s", session.pk, error)

    def exceeded(self, session: Session) -> str:
        """What the session used more of than it may, so that the system has killed something of it; else empty."""
        most = session.limits.memory
        if most is None or not self._groups.ran_out_of_memory(str(session.pk)):
            return ""
        return details.TOOK_MORE_MEMORY.filled(memory=in_words(most))

    def with_refusals(self, session: Session, what: str) -> str:
        """What happened to the session, with what it was refused that may be the cause."""
        most = session.limits.tasks
        if most is None or not self._groups.was_refused_tasks(str(session.pk)):
            return what
        return details.WANTED_MORE_TASKS.filled(tasks=most, what=what)

    async def end_survivors(self, status: Status) -> Status:
        """Kills what a runner that is over could not end; returns what it said, of those that are left now."""
        if not status.survivors or not self._groups.homes:
            return status
        await self.end(status.session)
        return replace(status, survivors=tuple(pid for pid in status.survivors if _lives(pid)))

    async def end(self, session: str, leave: float = 0.0) -> None:
        """Kills what is left in a session's group, and removes it.

        Args:
            session: which one.
            leave: seconds in which it may leave by itself.
        """
        if not await asyncio.to_thread(self._groups.end, session, leave=leave):
            log.warning("session %s: its control group could not be removed: something in it cannot be ended", session)

    def sessions(self) -> set[str]:
        """The sessions that have a group, also those of other servers that share it."""
        return self._groups.sessions()


def _lives(pid: int) -> bool:
    found = look(pid)
    return found is not None and not found.dead
