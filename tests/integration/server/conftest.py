"""Sites for the tests of the whole server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.server.marked_site import MarkedSite, marked_site
from tests.integration.serving import prepared


@pytest.fixture(scope="session")
def prepared_state() -> Path:
    """A state directory as `manage.py prepare` leaves it; tests work on copies."""
    return prepared()


MEASURED = frozenset({"test_stopping.py", "test_leaving.py"})
"""Tests whose servers measure their coverage: these live a whole life. One that is killed saves nothing."""


@pytest.fixture
def site(prepared_state: Path, request: pytest.FixtureRequest) -> Iterator[MarkedSite]:
    """A site that is not started yet."""
    with marked_site(prepared_state, measured=request.path.name in MEASURED) as made:
        yield made
