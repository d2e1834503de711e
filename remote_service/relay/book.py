"""The book of a gateway's viewers: one writer, and what is to be written while it writes is written together next.

So a viewer that comes alone is written at once, and of hundreds that come at the same time many share a transaction.
Who leaves waits a moment for others to be written with, which nobody notices.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from asgiref.sync import sync_to_async
from django.db import DatabaseError, IntegrityError, close_old_connections

from remote_service import nudges
from remote_service.relay import visits
from remote_service.relay.closing import CUT, Leaving
from remote_service.relay.grants import Admission
from remote_service.relay.traffic import Tally, Traffic
from remote_service.relay.visits import Parting, Visit
from remote_service.tasks import spawn

log = logging.getLogger(__name__)

GATHERING = 0.02
"""Seconds for which those who leave wait for others."""


@sync_to_async
def _write(
    gateway_id: uuid.UUID,
    came: Sequence[Callable[[], Admission]],
    left: Mapping[int, Leaving],
    traffic: Mapping[int, Traffic],
) -> tuple[list[Visit | Exception], set[Parting]]:
    return visits.write(gateway_id, came, left, traffic)


@dataclass(frozen=True, slots=True)
class _Comer:
    decide: Callable[[], Admission]
    visit: asyncio.Future[Visit]


@dataclass(frozen=True, slots=True)
class _Page:
    """What is written next."""

    comers: list[_Comer] = field(default_factory=list)
    due: asyncio.Event = field(default_factory=asyncio.Event)
    tried: asyncio.Event = field(default_factory=asyncio.Event)


class Book:
    """Who comes and who leaves, and what those who left have carried."""

    def __init__(self, gateway_id: uuid.UUID, tally: Tally) -> None:
        """Prepares.

        Args:
            gateway_id: through which they come.
            tally: what they carry.
        """
        self._gateway_id = gateway_id
        self._tally = tally
        self._left: dict[int, Leaving] = {}
        """Viewers that have left and whose rows do not say so yet, and how."""
        self._urgent = False
        """The supervisor has to know that one left."""
        self._next: _Page | None = None
        self._writer: asyncio.Task[None] | None = None
        self._nudges = nudges.Gathered(str(gateway_id))

    async def come(self, decide: Callable[[], Admission]) -> Visit:
        """Somebody comes; returns when it was decided that they may, and that is written.

        Args:
            decide: in the thread that asks the database.

        Raises:
            RefusedError: they may not.
            django.db.DatabaseError: nothing could be found out, or written.
        """
        comer = _Comer(decide, asyncio.get_running_loop().create_future())
        page = self._page()
        page.comers.append(comer)
        page.due.set()
        return await comer.visit

    async def leave(self, viewer_id: int, leaving: Leaving, *, urgent: bool = False) -> None:
        """A viewer has left; returns when it was tried to write that. What is said of it first is believed.

        Args:
            viewer_id: its number.
            leaving: how.
            urgent: the supervisor has something to decide then.
        """
        said = self._left.get(viewer_id)
        self._left[viewer_id] = leaving if said is None else said.completed_by(leaving)
        self._urgent |= urgent
        page = self._page()
        if urgent:
            page.due.set()
        await page.tried.wait()

    async def catch_up(self) -> None:
        """Tries again to write what could not be written."""
        if self._left or self._tally.ended():
            page = self._page()
            page.due.set()
            await page.tried.wait()

    def _page(self) -> _Page:
        if self._next is None:
            self._next = page = _Page()
            asyncio.get_running_loop().call_later(GATHERING, page.due.set)
        if self._writer is None:
            self._writer = spawn(self._write(), name="viewers' book")
        return self._next

    async def _write(self) -> None:
        try:
            while (page := self._next) is not None:
                await page.due.wait()
                self._next = None
                try:
                    await self._write_page([comer for comer in page.comers if not comer.visit.done()])
                finally:
                    page.tried.set()
        finally:
            self._writer = None
            if self._next is not None:
                self._page()

    async def _write_page(self, comers: Sequence[_Comer]) -> None:
        try:
            await self._try(comers)
        except IntegrityError as error:
            # One of those who came may refer to what has gone meanwhile: the others must not suffer from it.
            if not comers:
                self._failed(comers, error)
                return
            await self._write_page([])
            for comer in comers:
                await self._write_alone(comer)
        except Exception as error:
            self._failed(comers, error)
            if not isinstance(error, DatabaseError):
                raise
            # What is broken may be the connection: the next page gets another one.
            await sync_to_async(close_old_connections)()

    async def _write_alone(self, comer: _Comer) -> None:
        try:
            await self._try([comer], leaving=False)
        except Exception as error:  # noqa: BLE001 (it is told whom it concerns)
            self._failed([comer], error)

    def _failed(self, comers: Sequence[_Comer], error: Exception) -> None:
        for comer in comers:
            if not comer.visit.done():
                comer.visit.set_exception(error)
        if self._left:
            log.warning("the gateway could not reach the database: %s", error)

    async def _try(self, comers: Sequence[_Comer], *, leaving: bool = True) -> None:
        left, traffic = (dict(self._left), self._tally.ended()) if leaving else ({}, {})
        if not (comers or left or traffic):
            return
        urgent = leaving and self._urgent
        self._urgent &= not urgent
        asked = [comer.decide for comer in comers]
        try:
            came, partings = await _write(self._gateway_id, asked, left, traffic)
        except BaseException:
            self._urgent |= urgent
            raise
        for viewer_id, said in left.items():
            if self._left[viewer_id] == said:  # else more was said while it was written
                del self._left[viewer_id]
        self._tally.wrote(traffic)
        if any(isinstance(found, DatabaseError) for found in came):
            await sync_to_async(close_old_connections)()
        changed = {parting.session_id for parting in partings}
        for comer, found in zip(comers, came, strict=True):
            if isinstance(found, Visit):
                changed.add(found.admission.grant.session_id)
            if not comer.visit.done():
                if isinstance(found, Visit):
                    comer.visit.set_result(found)
                else:
                    comer.visit.set_exception(found)
            elif isinstance(found, Visit):  # it was given up meanwhile
                self._left[found.viewer_id] = CUT
                self._page()
        for session_id in changed:
            self._nudges.nudge(nudges.GATEWAY_GROUP, session_id)
        if urgent or any(parting.soon for parting in partings):
            self._nudges.nudge(nudges.SUPERVISOR_GROUP)
