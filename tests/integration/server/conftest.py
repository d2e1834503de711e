"""Sites for the tests of the whole server."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.server.own_site import PROJECT, OwnSite, inherited_environment, site_below

ADMIN_PASSWORD = secrets.token_urlsafe(12)
"""Of the user `admin` of every site here; another one in each of pytest's processes, since one test looks for it."""


@pytest.fixture(scope="session")
def prepared_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory as `manage.py prepare` leaves it; tests work on copies."""
    state = tmp_path_factory.mktemp("prepared") / "state"
    environment = {
        **inherited_environment(),
        "REMOTE_SERVICE_STATE_DIR": str(state),
        "REMOTE_SERVICE_ADMIN_PASSWORD": ADMIN_PASSWORD,
    }
    subprocess.run(
        [sys.executable, "manage.py", "prepare"],
        cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, check=True, timeout=60,
    )  # fmt: skip
    return state


@pytest.fixture
def site_root() -> Iterator[Path]:
    """A directory that other accounts can enter, unlike pytest's own."""
    root = Path(tempfile.mkdtemp(prefix="rsg-site-"))
    yield root
    shutil.rmtree(root)


@pytest.fixture
def site(site_root: Path, prepared_state: Path) -> Iterator[OwnSite]:
    """A site that is not started yet."""
    with site_below(site_root, prepared_state) as made:
        yield made
