"""The relay as an ASGI application: a websocket in, a session's endpoint out, bytes in between.

Behind Channels' routing and Django's sessions, but no consumer: a consumer costs a thread hop for every message.
"""

from __future__ import annotations

import asyncio
import logging
import weakref
from typing import Any

from django.db import DatabaseError

from remote_service import conf
from remote_service.database import asked
from remote_service.errors import RefusedError
from remote_service.relay import closing
from remote_service.relay.backpressure import lacks_backpressure
from remote_service.relay.clerk import ClerkError
from remote_service.relay.closing import Close
from remote_service.relay.detaching import Detach, detach_of
from remote_service.relay.gateway import gateway
from remote_service.relay.grants import find_grant
from remote_service.relay.line import Line
from remote_service.relay.takeover import takeover_of
from remote_service.relay.viewing import Receive, Send, say, serve_viewer
from remote_service.relay.watch import Grant
from remote_service.relay_process.giving import Giver, NoRelayError
from remote_service.relay_process.messages import Handover

log = logging.getLogger(__name__)


async def relay(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serves one websocket to its end."""
    message = await receive()
    if message["type"] != "websocket.connect":
        return
    accept = {"type": "websocket.accept", "subprotocol": "binary" if "binary" in scope["subprotocols"] else None}
    site = gateway()
    try:
        if lacks_backpressure(send):
            grant = await _granted(scope)
            log.error("session %s: a viewer is sent away: %s", grant.session_id, closing.NO_BACKPRESSURE)
            await send(accept)
            await say(Close(closing.RELAY_ERROR, closing.NO_BACKPRESSURE), send)
            return
        if (relay_process := giver()) is not None and (detach := detach_of(scope)):
            grant = await _granted(scope)
            await _give_away(relay_process, detach, accept, grant)
            return
        grant = await site.admit(scope)
    except RefusedError:
        await send({"type": "websocket.close"})
        return
    except ClerkError as error:
        log.error("a viewer is sent away, %s", error)
        await send(accept)
        await say(Close(closing.RELAY_ERROR, closing.NO_DATABASE), send)
        return
    try:
        line = await _take(accept, scope, send)
    except BaseException:
        await site.forget(grant)
        raise
    if line is not None:
        receive, send = line.receive, line.send
    await serve_viewer(site, grant, receive, send, line)


async def _granted(scope: dict[str, Any]) -> Grant:
    """What somebody is let in with whom another process serves.

    Raises:
        RefusedError: they are not let in.
        ClerkError: the database does not answer.
    """
    try:
        return await asked(find_grant, scope)
    except DatabaseError as error:
        raise ClerkError(f"the database cannot be reached: {error}") from error


async def _take(accept: dict[str, Any], scope: dict[str, Any], send: Send) -> Line | None:
    """Accepts, and takes the transport over where that can be done."""
    if take_over := takeover_of(scope):
        return await take_over(accept)
    await send(accept)
    return None


async def _give_away(relay_process: Giver, detach: Detach, accept: dict[str, Any], grant: Grant) -> None:
    """Has the relay's process serve the viewer; without one the line is cut, and the viewer comes again."""
    try:
        detached = await detach(accept)
    except OSError as error:
        log.debug("session %s: %s", grant.session_id, error)
        return
    with detached:
        handover = Handover(grant, detached.most_message, detached.answer, detached.early, detached.tunnel)
        try:
            await relay_process.give(detached.websocket, handover)
        except NoRelayError as error:
            log.error("session %s: a viewer is sent away, since %s", grant.session_id, error)


_givers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Giver] = weakref.WeakKeyDictionary()


def giver() -> Giver | None:
    """The running event loop's way to the relay's process; None where this process relays itself."""
    crew = conf.current().crew
    if crew is None:
        return None
    loop = asyncio.get_running_loop()
    if (found := _givers.get(loop)) is None:
        found = _givers[loop] = Giver(crew.handovers)
    return found
