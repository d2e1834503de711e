"""The relay as an ASGI application: a websocket in, a session's endpoint out, bytes in between.

Behind Channels' routing and Django's sessions, but no consumer: a consumer costs a thread hop for every message.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import sync_to_async

from remote_service import lifecycle
from remote_service.endpoints import EndpointKind
from remote_service.errors import RefusedError
from remote_service.relay import closing, rows
from remote_service.relay.closing import Close
from remote_service.relay.gateway import Watch, gateway
from remote_service.relay.grants import find_grant
from remote_service.relay.pump import EndpointError, Pump, ViewerGone
from remote_service.states import EndReason, State
from remote_service.tasks import spawn

log = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

END_PATIENCE = 5.0
"""Seconds that a viewer whose endpoint hung up waits to be told why, before it is told that the screen was lost."""

_LEADS_NOWHERE = frozenset({State.STOPPING, State.ENDED, State.FAILED})


async def relay(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serves one websocket to its end."""
    message = await receive()
    if message["type"] != "websocket.connect":
        return
    try:
        grant = await sync_to_async(find_grant)(scope)
    except RefusedError:
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.accept", "subprotocol": "binary" if "binary" in scope["subprotocols"] else None})
    watch = await gateway().open_viewer(grant)
    log.info("session %s: a viewer came from %s", grant.session_id, grant.actor.address or "a local socket")
    pump = Pump(receive, send, control=grant.control, on_input=lambda: gateway().input_seen(grant.session_id))
    clean = False
    try:
        clean = await _serve(watch, pump, send)
    finally:
        pump.close()
        await gateway().close_viewer(watch, clean=clean)
        log.info(
            "session %s: a viewer left (%s), %d bytes to it, %d from it",
            grant.session_id, "closed" if clean else "line cut", pump.bytes_down, pump.bytes_up,
        )  # fmt: skip


async def _serve(watch: Watch, pump: Pump, send: Send) -> bool:
    """Relays until something ends it; returns whether the viewer is gone for good reason, not by a cut line."""
    reading = spawn(pump.read_viewer(), name="viewer")
    serving = spawn(_reach_and_pump(watch, pump), name="endpoint")
    ending = spawn(watch.until(lambda w: w.withdrawn or w.glimpse.state in _LEADS_NOWHERE), name="end of session")
    tasks = (reading, serving, ending)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if reading.done():
            return _viewer_left(reading, watch)
        close = await _why(watch, serving) if not ending.done() else _told(watch)
        if reading.done():
            return _viewer_left(reading, watch)
        try:
            await send(close.message())
        except (OSError, RuntimeError):
            log.debug("session %s: the viewer had left", watch.grant.session_id)
        return close.code not in (closing.ENDPOINT_LOST, closing.RELAY_ERROR, closing.RESTARTING)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _viewer_left(reading: asyncio.Task[int], watch: Watch) -> bool:
    if reading.exception() is not None:
        return False
    return closing.said_goodbye(reading.result())


async def _reach_and_pump(watch: Watch, pump: Pump) -> None:
    await watch.until(lambda w: w.glimpse.state is State.RUNNING)
    glimpse = watch.glimpse
    assert glimpse.endpoint is not None
    if glimpse.endpoint.kind is EndpointKind.TERMINAL:
        raise EndpointError("This session is a terminal; its page is not a screen.", fatal=False)
    password = await sync_to_async(rows.password_of)(watch.grant.session_id)
    await pump.run(glimpse.endpoint, password, rfb=glimpse.stream == "rfb")


async def _why(watch: Watch, serving: asyncio.Task[None]) -> Close:
    """The endpoint hung up or was never there: waits for the supervisor to say what that means."""
    error = serving.exception()
    if isinstance(error, ViewerGone):
        return Close(closing.RELAY_ERROR, "The viewer had left.")
    if error is not None and not isinstance(error, EndpointError | OSError):
        log.error("session %s: the relay failed", watch.grant.session_id, exc_info=error)
        return Close(closing.RELAY_ERROR, "The relay failed; the site's log says why.")
    why = str(error) if error is not None else "The session's screen closed the connection."
    session_id = watch.grant.session_id
    log.warning("session %s: %s", session_id, why)
    await gateway().viewer_lost_endpoint(watch)
    if isinstance(error, EndpointError) and error.fatal:
        await sync_to_async(lifecycle.note)(session_id, "endpoint lost", why=why, by=watch.grant.actor)
        await sync_to_async(lifecycle.ask_to_stop)(session_id, EndReason.ENDPOINT_LOST, watch.grant.actor)
    try:
        async with asyncio.timeout(END_PATIENCE):
            await watch.until(lambda w: w.withdrawn or w.glimpse.state in _LEADS_NOWHERE)
    except TimeoutError:
        return Close(closing.ENDPOINT_LOST, why)
    told = _told(watch)
    return Close(told.code, f"{told.reason} {why}") if told.code == closing.ENDPOINT_LOST else told


def _told(watch: Watch) -> Close:
    if watch.withdrawn:
        return Close(closing.RIGHT_WITHDRAWN, "You are logged out.")
    return closing.close_for(watch.glimpse.end_reason, watch.glimpse.end_detail)
