"""The relay as an ASGI application: a websocket in, a session's endpoint out, bytes in between.

Behind Channels' routing and Django's sessions, but no consumer: a consumer costs a thread hop for every message.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from asgiref.sync import sync_to_async

from remote_service import lifecycle
from remote_service.endpoints import EndpointKind
from remote_service.errors import RefusedError
from remote_service.relay import closing, rows
from remote_service.relay.closing import Close
from remote_service.relay.gateway import Watch, gateway
from remote_service.relay.grants import find_grant
from remote_service.relay.pump import EndpointError, Pump, ViewerGone
from remote_service.rfb.errors import RemoteProtocolError
from remote_service.states import EndReason, State
from remote_service.tasks import spawn

log = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

END_PATIENCE = 5.0
"""Seconds that a viewer whose endpoint hung up waits to be told why, before it is told that the screen was lost."""

RelayEnd = EndpointError | ViewerGone | RemoteProtocolError
T = TypeVar("T")

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
    """Relays until something ends it; returns whether the viewer said goodbye, rather than losing its line."""
    reading = spawn(_outcome(pump.read_viewer()), name="viewer")
    serving = spawn(_outcome(_reach_and_pump(watch, pump)), name="endpoint")
    ending = spawn(watch.until(_leads_nowhere), name="end of session")
    tasks = (reading, serving, ending)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if ending.done():
            close = _told(watch)
        elif reading.done():
            close = _bad_viewer(reading.result())
        else:
            close = await _why(watch, serving.result())
        left = reading.result() if reading.done() else None
        if isinstance(left, int):
            return closing.said_goodbye(left)
        try:
            await send(close.message())
        except (OSError, RuntimeError):
            log.debug("session %s: the viewer had left", watch.grant.session_id)
        return close.code not in (closing.ENDPOINT_LOST, closing.RELAY_ERROR, closing.RESTARTING)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _outcome(work: Awaitable[T]) -> T | RelayEnd:
    """What the work returned, or the reason for which it ended: both are how a relay ends, neither is a mistake."""
    try:
        return await work
    except (EndpointError, ViewerGone, RemoteProtocolError) as end:
        return end


def _leads_nowhere(watch: Watch) -> bool:
    return watch.withdrawn or watch.glimpse.state in _LEADS_NOWHERE


def _bad_viewer(left: int | RelayEnd) -> Close:
    return Close(closing.RELAY_ERROR, str(left))


async def _reach_and_pump(watch: Watch, pump: Pump) -> None:
    await watch.until(lambda w: w.glimpse.state is State.RUNNING)
    glimpse = watch.glimpse
    assert glimpse.endpoint is not None
    if glimpse.endpoint.kind is EndpointKind.TERMINAL:
        raise EndpointError("This session is a terminal; its page is not a screen.", fatal=False)
    password = await sync_to_async(rows.password_of)(watch.grant.session_id)
    await pump.run(glimpse.endpoint, password, rfb=glimpse.stream == "rfb")


async def _why(watch: Watch, end: RelayEnd | None) -> Close:
    """The endpoint hung up or was never there: waits for the supervisor to say what that means."""
    if isinstance(end, ViewerGone):
        return Close(closing.RELAY_ERROR, "The viewer had left.")
    why = "The session's screen closed the connection." if end is None else str(end)
    session_id = watch.grant.session_id
    log.warning("session %s: %s", session_id, why)
    await gateway().viewer_lost_endpoint(watch)
    if isinstance(end, EndpointError) and end.fatal:
        await sync_to_async(lifecycle.note)(session_id, "endpoint lost", why=why, by=watch.grant.actor)
        await sync_to_async(lifecycle.ask_to_stop)(session_id, EndReason.ENDPOINT_LOST, watch.grant.actor, why)
    try:
        async with asyncio.timeout(END_PATIENCE):
            await watch.until(_leads_nowhere)
    except TimeoutError:
        return Close(closing.ENDPOINT_LOST, why)
    return _told(watch)


def _told(watch: Watch) -> Close:
    if watch.withdrawn:
        return Close(closing.RIGHT_WITHDRAWN, "You are logged out.")
    return closing.close_for(watch.glimpse.end_reason, watch.glimpse.end_detail)
