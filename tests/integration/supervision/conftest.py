"""A site for each test, with supervisors in haste."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from remote_service import supervisor
from remote_service.conf import GatewaySettings
from remote_service.supervision import charges
from tests.integration.probe_site import ProbeSite, probe_site


@pytest.fixture(autouse=True)
def _in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks and further attempts come faster than usual, so that timeouts of tenths of seconds mean something."""
    monkeypatch.setattr(supervisor, "TICK", 0.05)
    monkeypatch.setattr(charges, "FIRST_WAIT", 0.05)
    monkeypatch.setattr(charges, "MOST_WAIT", 0.2)


@pytest.fixture
async def site(
    session_account: GatewaySettings, settings: Any, tmp_path: Path, transactional_db: None
) -> AsyncIterator[ProbeSite]:
    async with probe_site(settings, tmp_path) as made:
        yield made
