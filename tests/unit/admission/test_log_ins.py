"""Which log-ins are let in; how requests are answered see tests/unit/webui/test_log_in_limits.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from remote_service.admission import log_ins
from remote_service.admission.log_ins import CROWDED_RETRY, MOST_OF_ONE, Bounds, bounds


@pytest.fixture(autouse=True)
def _afresh() -> Iterator[None]:
    log_ins._bounds.clear()
    yield
    log_ins._bounds.clear()


async def test_one_that_fails_counts_and_one_that_succeeds_does_not() -> None:
    here = Bounds(2, lambda: 100.0)
    for succeeded in (True, True, True, False, True, False):
        assert await here.enter("192.0.2.7") == 0.0
        here.leave("192.0.2.7", succeeded=succeeded)
    assert await here.enter("192.0.2.7") == pytest.approx(30.0)


async def test_one_that_was_refused_for_the_crowd_does_not_count() -> None:
    here = Bounds(1, lambda: 100.0)
    here._under_way["192.0.2.7"] = MOST_OF_ONE
    assert {await here.enter("192.0.2.7") for _ in range(5)} == {CROWDED_RETRY}
    del here._under_way["192.0.2.7"]
    assert await here.enter("192.0.2.7") == 0.0


async def test_the_log_says_it_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    here = Bounds(1, lambda: 100.0)
    for address in ("192.0.2.7", "", "192.0.2.8"):
        for _ in range(3):
            if not await here.enter(address):
                here.leave(address, succeeded=False)
    assert [record.message for record in caplog.records] == [
        "192.0.2.7 may not log in at the moment, since 1 log-ins a minute failed from there; this is said once a "
        "minute, whoever else is refused"
    ]


def test_the_site_says_how_many(settings: Any) -> None:
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, log_ins_per_minute=7)
    assert bounds().per_minute == 7
    assert bounds() is bounds()
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, log_ins_per_minute=8)
    assert bounds().per_minute == 8
