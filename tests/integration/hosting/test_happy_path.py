"""A session from its script's load to its end."""
from __future__ import annotations

from remote_service.endpoints import EndpointKind
from remote_service.hosting.status import Phase, StopOutcome
from tests.integration.hosting.stage import Stage


async def test_a_session_starts_is_reached_and_stops(stage: Stage) -> None:
    play = await stage.only("class Service(Good): pass")
    assert play.status.phase is Phase.IDLE
    ready = await play.ready()
    assert ready.endpoint is not None and ready.endpoint.kind is EndpointKind.UNIX
    over = await play.stop()
    assert (over.fault, over.stop, over.survivors) == (None, StopOutcome.DONE, ())
    assert stage.calls() == ["start 0", "stop 0"]
    assert [status.phase for status in play.statuses] == sorted(
        (status.phase for status in play.statuses), key=list(Phase).index
    )
    await play.dismiss()
