"""A stage for each test."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.integration.hosting.stage import Stage


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Stage]:
    """Below a directory that other accounts can enter, unlike pytest's own."""
    root = Path(tempfile.mkdtemp(prefix="rsg-hosting-"))
    root.chmod(0o755)
    made = Stage(root)
    yield made
    await made.close()
    shutil.rmtree(root)
