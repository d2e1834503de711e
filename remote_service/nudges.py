""" "Look again\": the only thing the channel layer carries. A lost nudge costs at most a second, so none may hurt."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from remote_service.tasks import spawn

log = logging.getLogger(__name__)

SUPERVISOR_GROUP = "supervisor"
GATEWAY_GROUP = "gateways"
_TYPE = "look.again"


def nudge_supervisor() -> None:
    """Something is wanted of the supervisor."""
    _send_from_thread(SUPERVISOR_GROUP, None)


def nudge_gateways(session_id: uuid.UUID) -> None:
    """A session has changed."""
    _send_from_thread(GATEWAY_GROUP, session_id)


def _send_from_thread(group: str, session_id: uuid.UUID | None) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        async_to_sync(send)(group, session_id)


async def send(group: str, session_id: uuid.UUID | None = None) -> None:
    """Sends a nudge; a channel layer that is out of reach is logged and forgotten."""
    layer = get_channel_layer()
    if layer is None:
        return
    message = {"type": _TYPE, "session": "" if session_id is None else str(session_id)}
    try:
        await layer.group_send(group, message)
    except (OSError, RuntimeError) as error:
        log.warning("a nudge to %s was lost (%s); it is made up for within a second", group, error)


@asynccontextmanager
async def hearing(group: str) -> AsyncIterator[asyncio.Event]:
    """Joins a group; the event is set by every nudge, and cleared by who waits for it."""
    layer = get_channel_layer()
    heard = asyncio.Event()
    if layer is None:
        yield heard
        return
    channel = await layer.new_channel()
    await layer.group_add(group, channel)

    async def listen() -> None:
        while True:
            await layer.receive(channel)
            heard.set()

    listening = spawn(listen(), name=f"nudges to {group}")
    try:
        yield heard
    finally:
        listening.cancel()
        await layer.group_discard(group, channel)
