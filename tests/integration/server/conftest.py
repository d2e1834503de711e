"""Sites for the tests of the whole server."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.server.marked_site import MarkedSite, marked_site
from tests.integration.serving import prepare

ADMIN_PASSWORD = secrets.token_urlsafe(12)
"""Of the user `admin` of every site here; another one in each of pytest's processes, since one test looks for it."""


@pytest.fixture(scope="session")
def prepared_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory as `manage.py prepare` leaves it; tests work on copies."""
    return prepare(tmp_path_factory.mktemp("prepared") / "state", REMOTE_SERVICE_ADMIN_PASSWORD=ADMIN_PASSWORD)


MEASURED = frozenset({"test_stopping.py", "test_leaving.py"})
"""Tests whose servers measure their coverage: these live a whole life. One that is killed saves nothing."""


@pytest.fixture
def site(prepared_state: Path, request: pytest.FixtureRequest) -> Iterator[MarkedSite]:
    """A site that is not started yet."""
    with marked_site(prepared_state, measured=request.path.name in MEASURED) as made:
        yield made
