"""A gateway writes what its viewers have carried."""

from __future__ import annotations

import pytest
from django.db import OperationalError

from remote_service.relay import gateway as module
from remote_service.relay import traffic_rows
from remote_service.relay.closing import CLEAN
from remote_service.relay.gateway import GatewayProcess
from remote_service.relay.traffic import Traffic
from tests.unit.relay.test_gateway import Rows, database, grant  # noqa: F401 (a fixture that all tests here use)
from tests.waiting import eventually_async

Written = dict[int, Traffic]


@pytest.fixture
def written(database: Rows, monkeypatch: pytest.MonkeyPatch) -> Written:  # noqa: F811 (the fixture itself)
    found: Written = {}

    def write(traffic: Written) -> None:
        if database.broken:
            raise OperationalError("database is locked")
        found.update(traffic)

    monkeypatch.setattr(traffic_rows, "write_traffic", write)
    database.carried = found
    monkeypatch.setattr(module, "TRAFFIC", 0.01)
    return found


async def test_what_open_viewers_have_carried_is_written_now_and_then(written: Written) -> None:
    process = GatewayProcess()
    watch = await process.open_viewer(grant())
    process.carries(watch, Traffic(5, 6, 7, 8))
    await eventually_async(lambda: written == {watch.viewer_id: Traffic(5, 6, 7, 8)})


async def test_of_a_viewer_that_leaves_it_is_written_at_once(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT", 60.0)
    process = GatewayProcess()
    watch = await process.open_viewer(grant())
    process.carries(watch, Traffic(5, 6, 7, 8))

    await process.close_viewer(watch, CLEAN)

    assert written == {watch.viewer_id: Traffic(5, 6, 7, 8)}
    assert process.tally.total() == Traffic(5, 6, 7, 8)


async def test_or_as_soon_as_the_database_can_be_reached(
    database: Rows,  # noqa: F811 (the fixture itself)
    written: Written,
) -> None:
    process = GatewayProcess()
    watch = await process.open_viewer(grant())
    process.carries(watch, Traffic(5, 6, 7, 8))
    database.broken = True
    await process.close_viewer(watch, CLEAN)
    assert written == {}

    database.broken = False

    await eventually_async(lambda: written == {watch.viewer_id: Traffic(5, 6, 7, 8)})
    await eventually_async(lambda: database.closed == {watch.viewer_id: CLEAN})
