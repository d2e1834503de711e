"""The small parts of what the supervisor does; whole courses are in tests/integration/test_supervisor.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from remote_service.actors import Actor
from remote_service.hosting.status import Phase, Status
from remote_service.models import Session
from remote_service.operations import Charge, move, move_to_end, state_of
from remote_service.reservations import reserve_for_rest
from remote_service.states import EndReason, Event, State

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session(make_type: Callable[..., Any], gateway_settings: Any) -> Session:
    make_type("Pattern")
    return reserve_for_rest("Pattern", {}, Actor("", "192.0.2.1", "rest")).session


@pytest.mark.parametrize(
    ("status", "over"),
    [(None, False), (Status("s", phase=Phase.CLEANING), False), (Status("s", phase=Phase.OVER), True)],
)
def test_a_charge_is_over_when_its_runner_says_so(status: Status | None, over: bool) -> None:
    assert Charge(status=status).over is over


async def test_a_session_moves_from_the_state_that_was_seen_and_once(session: Session) -> None:
    assert await move(session, Event.LAUNCH, why="It is wanted.")
    assert await sync_to_async(state_of)(session) is State.STARTING
    assert not await move(session, Event.LAUNCH, why="It is wanted.")


@pytest.mark.parametrize(("reason", "final"), [(EndReason.USER, State.ENDED), (EndReason.START_FAILED, State.FAILED)])
async def test_the_reason_decides_whether_it_ended_or_failed(session: Session, reason: EndReason, final: State) -> None:
    await Session.objects.aupdate(state=State.STOPPING, end_reason=reason)
    session = await Session.objects.aget()
    assert await move_to_end(session)
    assert await sync_to_async(state_of)(session) is final
