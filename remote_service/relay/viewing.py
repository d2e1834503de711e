"""Serving one viewer, from the answer to its upgrade to its close: the course of it, wherever bytes and rows come from.

No Django here: a relay in a process of its own does the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from remote_service import details
from remote_service.endpoints import EndpointKind
from remote_service.relay import closing
from remote_service.relay.clerk import Clerk, ClerkError, NoPasswordError
from remote_service.relay.closing import CUT, Close, Leaving, left_with
from remote_service.relay.line import Line
from remote_service.relay.pump import EndpointError, Pump, ViewerGone, ViewerRefused
from remote_service.relay.watch import Grant, Watch
from remote_service.rfb.errors import RemoteProtocolError
from remote_service.states import State
from remote_service.tasks import spawn

log = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

END_PATIENCE = 5.0
"""Seconds that a viewer whose endpoint hung up waits to be told why, before it is told that the screen was lost."""

GOODBYE_PATIENCE = 1.0
"""Seconds to learn how a viewer left that could not be sent anything any more."""

RelayEnd = EndpointError | ViewerGone | ViewerRefused | RemoteProtocolError | ClerkError
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


async def serve_viewer(clerk: Clerk, grant: Grant, receive: Receive, send: Send, line: Line | None) -> None:
    """Serves one viewer to its end.

    Args:
        clerk: who knows the site.
        grant: what the viewer was let in with.
        receive: the websocket's, accepted.
        send: the websocket's.
        line: its transport where that could be taken over; `receive` and `send` are its own then.
    """
    try:
        await _serve_known(clerk, grant, receive, send, line)
    except ClerkError as error:
        log.error("session %s: a viewer is sent away, %s", grant.session_id, error)
        await say(Close(closing.RELAY_ERROR, closing.NO_DATABASE), send)


async def _serve_known(clerk: Clerk, grant: Grant, receive: Receive, send: Send, line: Line | None) -> None:
    watch = await clerk.open_viewer(grant)
    log.info("session %s: a viewer came from %s", grant.session_id, grant.actor.address or "a local socket")
    pump = Pump(
        receive,
        send,
        policy=watch.policy,
        on_input=partial(clerk.input_seen, grant.session_id),
        on_unprotected=lambda: _unprotected(clerk, watch),
        line=line,
    )
    leaving = CUT
    try:
        clerk.carries(watch, pump)
        leaving = await _serve(clerk, watch, pump, send)
    except ClerkError:
        leaving = _sent_away(closing.RELAY_ERROR)
        raise
    finally:
        pump.close()
        await clerk.close_viewer(watch, leaving)
        log.info(
            "session %s: a viewer left (%s), %d bytes to it, %d from it",
            grant.session_id, leaving, pump.bytes_down, pump.bytes_up,
        )  # fmt: skip


def _unprotected(clerk: Clerk, watch: Watch) -> None:
    """The VNC server lets everybody in: of no matter at a Unix socket, which keeps others out itself."""
    endpoint = watch.glimpse.endpoint
    if endpoint is not None and endpoint.kind is not EndpointKind.UNIX:
        spawn(clerk.unprotected(watch.grant.session_id, str(endpoint)), name="unprotected endpoint")


async def _serve(clerk: Clerk, watch: Watch, pump: Pump, send: Send) -> Leaving:
    """Relays until something ends it; returns how the viewer left."""
    reading = spawn(_outcome(pump.read_viewer()), name="viewer")
    serving = spawn(_outcome(_reach_and_pump(clerk, watch, pump)), name="endpoint")
    ending = spawn(_watched(watch, pump), name="end of session")
    tasks = (reading, serving, ending)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if ending.done():
            close = ending.result()
        elif reading.done():
            close = Close(closing.RELAY_ERROR, str(reading.result()))
        else:
            close = await _why(clerk, watch, serving.result())
            if isinstance(serving.result(), ViewerGone):
                await asyncio.wait({reading}, timeout=GOODBYE_PATIENCE)
        left = reading.result() if reading.done() else None
    finally:
        # Before the viewer is told, which may take long when it reads nothing: nothing of it passes any more.
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if isinstance(left, int):
        return left_with(left)
    await say(close, send)
    return _sent_away(close.code)


def _sent_away(code: int) -> Leaving:
    return Leaving(clean=code not in _MAY_COME_BACK, close_code=code)


async def say(close: Close, send: Send) -> None:
    """Closes a websocket; harmless when it is closed."""
    try:
        await send(close.message())
    except (OSError, RuntimeError):
        log.debug("the viewer had left before it could be told: %s", close.reason)


async def _outcome(work: Awaitable[T]) -> T | RelayEnd:
    """What the work returned, or the reason for which it ended: both are how a relay ends, neither is a mistake."""
    try:
        return await work
    except (EndpointError, ViewerGone, ViewerRefused, RemoteProtocolError, ClerkError) as end:
        return end


def _leads_nowhere(watch: Watch) -> bool:
    return watch.withdrawn or watch.unknown or watch.glimpse.state in _LEADS_NOWHERE


async def _watched(watch: Watch, pump: Pump) -> Close:
    """Has every change of what the viewer may do take effect, until the session or its right to it has ended."""
    while True:
        await watch.until(lambda w: _leads_nowhere(w) or w.policy != pump.policy)
        if _leads_nowhere(watch):
            return _told(watch)
        if not pump.change(watch.policy):
            return Close(closing.RIGHTS_CHANGED, closing.RIGHTS_ARE_OTHERS)


async def _reach_and_pump(clerk: Clerk, watch: Watch, pump: Pump) -> None:
    await watch.until(lambda w: w.glimpse.state is State.RUNNING)
    glimpse = watch.glimpse
    assert glimpse.endpoint is not None
    if glimpse.endpoint.kind is EndpointKind.TERMINAL:
        raise EndpointError(details.IS_TERMINAL, fatal=False)
    try:
        password = await clerk.password_of(watch.grant.session_id)
    except NoPasswordError as error:
        raise EndpointError(details.NO_PASSWORD, fatal=False) from error
    rfb = glimpse.stream == "rfb" and glimpse.endpoint.kind is not EndpointKind.XPRA
    await pump.run(glimpse.endpoint, password, rfb=rfb, claim=clerk.claim_of(watch), rules=clerk.rules)


async def _why(clerk: Clerk, watch: Watch, end: RelayEnd | None) -> Close:
    """The endpoint hung up or was never there: waits for the supervisor to say what that means."""
    if isinstance(end, ClerkError):
        raise end
    if isinstance(end, ViewerRefused):
        log.warning("session %s: a viewer whose rights are limited is refused: %s", watch.grant.session_id, end)
        why = f"{closing.NOT_FILTERED} {end}"
        await clerk.viewer_refused(watch, why)
        return Close(closing.CANNOT_FILTER, why)
    if isinstance(end, ViewerGone | RemoteProtocolError):
        return Close(closing.RELAY_ERROR, str(end))
    why = closing.SCREEN_CLOSED if end is None else str(end)
    fatal, refused = (False, False) if end is None else (end.fatal, end.refused)
    if watch.glimpse.elsewhere:
        # What it looks like from here is nothing that a session on another machine could end for.
        fatal = False
    await clerk.endpoint_lost(watch, why, fatal=fatal, refused=refused)
    if end is not None and end.elsewhere:
        return Close(closing.ENDPOINT_LOST, why)
    try:
        async with asyncio.timeout(END_PATIENCE):
            await watch.until(_leads_nowhere)
    except TimeoutError:
        return Close(closing.ENDPOINT_LOST, closing.endpoint_refused(why) if refused else why)
    return _told(watch)


def _told(watch: Watch) -> Close:
    if watch.unknown:
        return Close(closing.RELAY_ERROR, closing.NO_DATABASE)
    # A share ends with its session; who held it is told of that end.
    if watch.withdrawn and watch.glimpse.state not in _LEADS_NOWHERE:
        return Close(closing.RIGHT_WITHDRAWN, closing.MAY_NOT_SEE)
    return closing.close_for(watch.glimpse.end_reason, watch.glimpse.end_detail)
