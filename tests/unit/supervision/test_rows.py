"""A supervisor's writes; that they are refused once another one supervises is the fence's part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from remote_service import details, lease
from remote_service.actors import Actor
from remote_service.hosting.status import Phase, Status, StopOutcome
from remote_service.lease import FencedError
from remote_service.models import Session, SessionEvent
from remote_service.reservations import reserve_for_rest
from remote_service.states import EndReason, Event, State
from remote_service.supervision.rows import Rows, state_of

pytestmark = pytest.mark.django_db(transaction=True)
HUNG = Status("s", phase=Phase.OVER, stop=StopOutcome.HUNG)
FAILED = Status("s", phase=Phase.OVER, stop=StopOutcome.FAILED)


@pytest.fixture
def session(make_type: Callable[..., Any], gateway_settings: Any) -> Session:
    make_type("Pattern")
    return reserve_for_rest("Pattern", {}, Actor("", "192.0.2.1", "rest")).session


@pytest.fixture
def rows(transactional_db: None) -> Rows:
    """Under a lease that was taken just now."""
    fence = lease.take(lease.look(), "n8:/state/run")
    assert fence is not None
    return Rows(fence)


async def overtake() -> None:
    assert await sync_to_async(lambda: lease.take(lease.look(), "n9:/state/run"))()


async def said() -> list[str]:
    return [what async for what in SessionEvent.objects.values_list("what", flat=True)]


async def test_a_session_moves_from_the_state_that_was_seen_and_once(rows: Rows, session: Session) -> None:
    assert await rows.move(session, Event.LAUNCH, why="It is wanted.", runner_place="n8:/state/run")
    assert await sync_to_async(state_of)(session) is State.STARTING
    assert (await Session.objects.aget()).runner_place == "n8:/state/run"
    assert not await rows.move(session, Event.LAUNCH, why="It is wanted.")


@pytest.mark.parametrize(("reason", "final"), [(EndReason.USER, State.ENDED), (EndReason.START_FAILED, State.FAILED)])
async def test_the_reason_decides_whether_it_ended_or_failed(
    rows: Rows, session: Session, reason: EndReason, final: State
) -> None:
    await Session.objects.aupdate(state=State.STOPPING, end_reason=reason)
    assert await rows.move_to_end(await Session.objects.aget())
    assert await sync_to_async(state_of)(session) is final


@pytest.mark.parametrize(
    ("status", "quarantined", "event"),
    [
        (HUNG, True, ["quarantined"]),
        (FAILED, False, ["stop failed"]),
        (Status("s", phase=Phase.OVER, stop=StopOutcome.DONE), False, []),
    ],
)
async def test_what_went_wrong_at_the_end_is_noted(
    rows: Rows, session: Session, status: Status, quarantined: bool, event: list[str]
) -> None:
    before = await said()
    await rows.judge_stop(session, status)
    assert (await Session.objects.aget()).quarantined is quarantined
    assert (await said())[len(before) :] == event
    if event == ["stop failed"]:
        assert (await SessionEvent.objects.alast()).why == details.STOP_FAILED  # type: ignore[union-attr]


async def test_once_another_one_supervises_nothing_is_written(rows: Rows, session: Session) -> None:
    assert rows.epoch == 1
    await rows.check()
    await overtake()
    row, history = await Session.objects.values().aget(), await said()
    for attempt in (
        rows.check(),
        rows.write(Session.objects.all().delete),
        rows.move(session, Event.LAUNCH, why="It is wanted."),
        rows.judge_stop(session, HUNG),
        rows.judge_stop(session, FAILED),
    ):
        with pytest.raises(FencedError):
            await attempt
    session.state, session.end_reason = State.STOPPING, EndReason.USER
    with pytest.raises(FencedError):
        await rows.move_to_end(session)
    assert (await Session.objects.values().aget(), await said()) == (row, history)
