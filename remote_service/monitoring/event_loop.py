"""How late the event loop is: what else runs in it is served that much later."""

from __future__ import annotations

import asyncio

from remote_service.monitoring.metrics import LAG

LOOK = 0.5
"""Seconds between two looks."""


async def measure_lag() -> None:
    """Notes the lag until it is cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LOOK
        await asyncio.sleep(LOOK)
        LAG.observe(max(0.0, loop.time() - due))
