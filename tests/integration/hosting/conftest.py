"""A stage for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.environment import folder
from tests.integration.hosting.stage import Stage


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Stage]:
    """Below a directory that other accounts can enter, unlike pytest's own."""
    with folder("hosting") as root:
        made = Stage(root)
        yield made
        await made.close()
