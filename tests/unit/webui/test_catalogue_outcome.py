"""Tests of what became of a reload."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from remote_service.models import Site
from webui.catalogue_outcome import outcome_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("columns", "asked", "outcome"),
    [
        ({}, None, "never"),
        ({"loaded_at": NOON}, None, "read"),
        ({"loaded_at": NOON}, NOON - timedelta(seconds=1), "read"),
        ({"loaded_at": NOON, "reload_wanted": 1}, NOON, "waiting"),
        ({"loaded_at": NOON, "reload_wanted": 1}, None, "waiting"),
        ({"loaded_at": NOON, "reload_wanted": 1}, NOON - timedelta(minutes=1), "silent"),
        # It was done, and the row was not written: the file could not be read for a reason of the server's.
        ({"loaded_at": NOON, "reload_wanted": 1, "reload_done": 1}, NOON + timedelta(seconds=1), "failed"),
        ({"reload_wanted": 1, "reload_done": 1}, NOON, "failed"),
    ],
)
def test_what_became_of_a_reload(columns: dict[str, Any], asked: datetime | None, outcome: str) -> None:
    assert outcome_of(Site(**columns), asked, NOON + timedelta(seconds=2)) == outcome
