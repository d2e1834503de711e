"""The lag of the event loop is measured."""

from __future__ import annotations

import time

import pytest

from remote_service.monitoring import event_loop
from remote_service.monitoring.metrics import REGISTRY
from remote_service.tasks import spawn
from tests.waiting import eventually_async


def observed(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"remote_session_event_loop_lag_seconds_{name}", labels) or 0.0


async def test_what_holds_the_loop_up_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_loop, "LOOK", 0.001)
    count, total, below = observed("count"), observed("sum"), observed("bucket", le="0.02")
    measuring = spawn(event_loop.measure_lag(), name="lag")
    await eventually_async(lambda: observed("count") > count)
    count = observed("count")
    time.sleep(0.05)
    await eventually_async(lambda: observed("count") > count)
    measuring.cancel()
    assert observed("sum") - total > 0.03
    assert observed("bucket", le="0.02") - below < observed("count")
