"""How many links that lead nowhere an address may try."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from remote_service.admission import links


@pytest.fixture(autouse=True)
def _afresh(settings: Any) -> Iterator[None]:
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, log_ins_per_minute=2)
    links._limits.clear()
    yield
    links._limits.clear()


def test_what_leads_nowhere_counts_and_what_leads_somewhere_does_not() -> None:
    for leads_somewhere in (True, True, False, True, False):
        assert links.try_link("192.0.2.7") == 0
        if leads_somewhere:
            links.led_somewhere("192.0.2.7")
    assert 0 < links.try_link("192.0.2.7") <= 30
    assert links.try_link("192.0.2.8") == 0


def test_as_many_may_fail_as_log_ins(settings: Any) -> None:
    assert [links.try_link("") > 0 for _ in range(3)] == [False, False, True]
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, log_ins_per_minute=3)
    assert [links.try_link("") > 0 for _ in range(4)] == [False, False, False, True]
