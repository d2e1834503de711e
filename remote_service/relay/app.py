"""The relay as an ASGI application: a websocket in, a session's endpoint out, bytes in between.

Behind Channels' routing and Django's sessions, but no consumer: a consumer costs a thread hop for every message.
"""

from __future__ import annotations

import logging
from typing import Any

from asgiref.sync import sync_to_async

from remote_service.errors import RefusedError
from remote_service.relay import closing
from remote_service.relay.backpressure import lacks_backpressure
from remote_service.relay.clerk import ClerkError
from remote_service.relay.closing import Close
from remote_service.relay.gateway import gateway
from remote_service.relay.grants import find_grant
from remote_service.relay.takeover import takeover_of
from remote_service.relay.viewing import Receive, Send, say, serve_viewer

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
            grant = await sync_to_async(find_grant)(scope)
            log.error("session %s: a viewer is sent away: %s", grant.session_id, closing.NO_BACKPRESSURE)
            await send(accept)
            await say(Close(closing.RELAY_ERROR, closing.NO_BACKPRESSURE), send)
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
    line, comes = None, False
    try:
        if take_over := takeover_of(scope):
            line = await take_over(accept)
            receive, send = line.receive, line.send
        else:
            await send(accept)
        comes = True
    finally:
        if not comes:
            await site.forget(grant)
    await serve_viewer(site, grant, receive, send, line)
