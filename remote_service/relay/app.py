"""The relay as an ASGI application: a websocket in, a session's endpoint out, bytes in between.

Behind Channels' routing and Django's sessions, but no consumer: a consumer costs a thread hop for every message.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.db import DatabaseError

from remote_service import details, lifecycle
from remote_service.endpoints import EndpointKind
from remote_service.errors import RefusedError
from remote_service.relay import closing, rows
from remote_service.relay.backpressure import lacks_backpressure
from remote_service.relay.closing import Close
from remote_service.relay.gateway import Watch, gateway
from remote_service.relay.grants import Grant, find_grant
from remote_service.relay.line import Line
from remote_service.relay.pump import EndpointError, Pump, ViewerGone, ViewerRefused
from remote_service.relay.takeover import takeover_of
from remote_service.rfb.errors import RemoteProtocolError
from remote_service.sealing import SealError
from remote_service.states import EndReason, State
from remote_service.tasks import spawn

log = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

END_PATIENCE = 5.0
"""Seconds that a viewer whose endpoint hung up waits to be told why, before it is told that the screen was lost."""

GOODBYE_PATIENCE = 1.0
"""Seconds to learn how a viewer left that could not be sent anything any more."""

RelayEnd = EndpointError | ViewerGone | ViewerRefused | RemoteProtocolError
T = TypeVar("T")

_MAY_COME_BACK = frozenset(
    {
        closing.RELAY_ERROR,
        closing.RESTARTING,
        closing.RIGHT_WITHDRAWN,
        closing.RIGHTS_CHANGED,
        closing.ENDPOINT_LOST,
    }
)
"""Closed by us without a goodbye of the viewer: as if its line was cut. Who is logged out may log in again."""
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
    accept = {"type": "websocket.accept", "subprotocol": "binary" if "binary" in scope["subprotocols"] else None}
    if lacks_backpressure(send):
        log.error("session %s: a viewer is sent away: %s", grant.session_id, closing.NO_BACKPRESSURE)
        await send(accept)
        await _say(Close(closing.RELAY_ERROR, closing.NO_BACKPRESSURE), send)
        return
    line = None
    if take_over := takeover_of(scope):
        line = await take_over(accept)
        receive, send = line.receive, line.send
    else:
        await send(accept)
    try:
        await _serve_viewer(grant, receive, send, line)
    except DatabaseError as error:
        log.error("session %s: a viewer is sent away, the database cannot be reached: %s", grant.session_id, error)
        await _say(Close(closing.RELAY_ERROR, closing.NO_DATABASE), send)


async def _serve_viewer(grant: Grant, receive: Receive, send: Send, line: Line | None) -> None:
    watch = await gateway().open_viewer(grant)
    log.info("session %s: a viewer came from %s", grant.session_id, grant.actor.address or "a local socket")
    pump = Pump(
        receive,
        send,
        policy=watch.policy,
        on_input=lambda: gateway().input_seen(grant.session_id),
        on_unprotected=lambda: _unprotected(watch),
        line=line,
    )
    clean = False
    try:
        gateway().carries(watch, pump)
        clean = await _serve(watch, pump, send)
    finally:
        pump.close()
        await gateway().close_viewer(watch, clean=clean)
        log.info(
            "session %s: a viewer left (%s), %d bytes to it, %d from it",
            grant.session_id, "closed" if clean else "line cut", pump.bytes_down, pump.bytes_up,
        )  # fmt: skip


def _unprotected(watch: Watch) -> None:
    """The VNC server lets everybody in: of no matter at a Unix socket, which keeps others out itself."""
    endpoint = watch.glimpse.endpoint
    if endpoint is None or endpoint.kind is EndpointKind.UNIX:
        return

    async def say_once() -> None:
        with suppress(DatabaseError):  # the next viewer finds it too
            if await sync_to_async(rows.mark_unprotected)(watch.grant.session_id, f"{endpoint}"):
                log.warning(
                    "session %s: the VNC server at %s asks for no password: whoever reaches that port is let in",
                    watch.grant.session_id,
                    endpoint,
                )

    spawn(say_once(), name="unprotected endpoint")


async def _serve(watch: Watch, pump: Pump, send: Send) -> bool:
    """Relays until something ends it; returns whether the viewer is done, rather than having lost its line."""
    reading = spawn(_outcome(pump.read_viewer()), name="viewer")
    serving = spawn(_outcome(_reach_and_pump(watch, pump)), name="endpoint")
    ending = spawn(_watched(watch, pump), name="end of session")
    tasks = (reading, serving, ending)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if ending.done():
            close = ending.result()
        elif reading.done():
            close = Close(closing.RELAY_ERROR, str(reading.result()))
        else:
            close = await _why(watch, serving.result())
            if isinstance(serving.result(), ViewerGone):
                await asyncio.wait({reading}, timeout=GOODBYE_PATIENCE)
        left = reading.result() if reading.done() else None
    finally:
        # Before the viewer is told, which may take long when it reads nothing: nothing of it passes any more.
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if isinstance(left, int):
        return closing.said_goodbye(left)
    await _say(close, send)
    return close.code not in _MAY_COME_BACK


async def _say(close: Close, send: Send) -> None:
    try:
        await send(close.message())
    except (OSError, RuntimeError):
        log.debug("the viewer had left before it could be told: %s", close.reason)


async def _outcome(work: Awaitable[T]) -> T | RelayEnd:
    """What the work returned, or the reason for which it ended: both are how a relay ends, neither is a mistake."""
    try:
        return await work
    except (EndpointError, ViewerGone, ViewerRefused, RemoteProtocolError) as end:
        return end


def _leads_nowhere(watch: Watch) -> bool:
    return watch.withdrawn or watch.glimpse.state in _LEADS_NOWHERE


async def _watched(watch: Watch, pump: Pump) -> Close:
    """Has every change of what the viewer may do take effect, until the session or its right to it has ended."""
    while True:
        await watch.until(lambda w: _leads_nowhere(w) or w.policy != pump.policy)
        if _leads_nowhere(watch):
            return _told(watch)
        if not pump.change(watch.policy):
            return Close(closing.RIGHTS_CHANGED, closing.RIGHTS_ARE_OTHERS)


async def _reach_and_pump(watch: Watch, pump: Pump) -> None:
    await watch.until(lambda w: w.glimpse.state is State.RUNNING)
    glimpse = watch.glimpse
    assert glimpse.endpoint is not None
    if glimpse.endpoint.kind is EndpointKind.TERMINAL:
        raise EndpointError(details.IS_TERMINAL, fatal=False)
    try:
        password = await sync_to_async(rows.password_of)(watch.grant.session_id)
    except SealError as error:
        raise EndpointError(details.NO_PASSWORD, fatal=False) from error
    rfb = glimpse.stream == "rfb" and glimpse.endpoint.kind is not EndpointKind.XPRA
    claim = rows.claim_of(watch.grant.session_id, glimpse.hosts)
    await pump.run(glimpse.endpoint, password, rfb=rfb, claim=claim)


async def _why(watch: Watch, end: RelayEnd | None) -> Close:
    """The endpoint hung up or was never there: waits for the supervisor to say what that means."""
    if isinstance(end, ViewerRefused):
        log.warning("session %s: a viewer whose rights are limited is refused: %s", watch.grant.session_id, end)
        why = f"{closing.NOT_FILTERED} {end}"
        await sync_to_async(lifecycle.note_refusal)(
            watch.grant.session_id, why, watch.grant.actor, what="viewer refused"
        )
        return Close(closing.CANNOT_FILTER, why)
    if isinstance(end, ViewerGone | RemoteProtocolError):
        return Close(closing.RELAY_ERROR, str(end))
    why = closing.SCREEN_CLOSED if end is None else str(end)
    reason = EndReason.ENDPOINT_LOST
    session_id = watch.grant.session_id
    if end is not None and end.refused:
        reason = EndReason.ENDPOINT_REFUSED
        await sync_to_async(lifecycle.note_refusal)(session_id, why, watch.grant.actor, what="endpoint refused")
    log.warning("session %s: %s", session_id, why)
    await gateway().viewer_lost_endpoint(watch)
    # What a later viewer meets is no reason to end a session in which an earlier one may be at work.
    if end is not None and end.fatal and await sync_to_async(rows.is_first_viewer)(watch.viewer_id):
        if not end.refused:
            await sync_to_async(lifecycle.note)(session_id, "endpoint lost", why=why, by=watch.grant.actor)
        await sync_to_async(lifecycle.ask_to_stop)(session_id, reason, watch.grant.actor, why)
    try:
        async with asyncio.timeout(END_PATIENCE):
            await watch.until(_leads_nowhere)
    except TimeoutError:
        return Close(closing.ENDPOINT_LOST, closing.endpoint_refused(why) if end is not None and end.refused else why)
    return _told(watch)


def _told(watch: Watch) -> Close:
    # A share ends with its session; who held it is told of that end.
    if watch.withdrawn and watch.glimpse.state not in _LEADS_NOWHERE:
        return Close(closing.RIGHT_WITHDRAWN, closing.MAY_NOT_SEE)
    return closing.close_for(watch.glimpse.end_reason, watch.glimpse.end_detail)
