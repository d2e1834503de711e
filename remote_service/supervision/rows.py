"""A supervisor's writes: every one is refused once another supervisor has the lease."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async

from remote_service import lifecycle
from remote_service.decisions import quarantine_reason
from remote_service.hosting.status import Status, StopOutcome
from remote_service.lease import Fence
from remote_service.models import Session
from remote_service.states import ENDINGS, EndReason, Event, State

P = ParamSpec("P")
T = TypeVar("T")


class Rows:
    """Writes under one lease. Every method raises FencedError once that is over, and has written nothing then."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence

    @property
    def epoch(self) -> int:
        """The lease's, which orders to runners name too."""
        return self._fence.epoch

    async def check(self) -> None:
        """Looks whether the lease is still ours: before what cannot be undone and is no write."""
        await sync_to_async(self._fence.check)()

    async def write(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls a function that writes."""
        return await sync_to_async(self._fence.write)(function, *args, **kwargs)

    def write_now(self, function: Callable[[], T]) -> T:
        """The same for who is in a thread already."""
        return self._fence.write(function)

    async def move(self, session: Session, event: Event, *, why: str, **changes: Any) -> bool:
        """Moves the row if it is still in the state that `session` shows."""
        return await self.write(lifecycle.transition, session.pk, State(session.state), event, why=why, **changes)

    async def move_to_end(self, session: Session) -> bool:
        """Moves the row to the final state that its reason calls for."""
        ending = ENDINGS[EndReason(session.end_reason)]
        event = Event.FAIL if ending.final is State.FAILED else Event.FINISH
        return await self.move(session, event, why=session.ending)

    async def judge_stop(self, session: Session, status: Status) -> None:
        """Notes what went wrong at the end, and keeps the slot where nobody knows what is left."""
        if why := quarantine_reason(status):
            await self.write(lifecycle.quarantine, session.pk, why)
        elif status.stop is StopOutcome.FAILED:
            await self.write(lifecycle.note_failed_stop, session.pk)


def state_of(session: Session) -> State:
    """The state as it is stored now."""
    return State(Session.objects.values_list("state", flat=True).get(pk=session.pk))
