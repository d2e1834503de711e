"""Which websocket addresses there are (design, section 10): all of them lead to the relay."""

from __future__ import annotations

from typing import Any, cast

from channels.routing import URLRouter
from django.urls import re_path

from remote_service.relay.app import relay
from remote_service.relay.viewing import Receive, Send


async def refuse(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answers a websocket to any other address with HTTP 403."""
    if (await receive())["type"] == "websocket.connect":
        await send({"type": "websocket.close"})


# The path is for front proxies; the token or the session's id decides. See `grants`.
websocket_application = URLRouter(
    [re_path(r"^(?:.*/)?websockify\Z", cast(Any, relay)), re_path(r"", cast(Any, refuse))]
)
