"""How an upgrade is refused with more than 403: by the extension of ASGI for it, where the server has it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]

EXTENSION = "websocket.http.response"


async def refuse_upgrade(
    scope: dict[str, Any], receive: Receive, send: Send, status: int, sentence: str, *, retry_after: float | None = None
) -> None:
    """Answers a websocket that asks to be accepted.

    Args:
        scope: the websocket's.
        receive: the websocket's.
        send: the websocket's.
        status: of the answer; a server without the extension says 403 instead.
        sentence: its body.
        retry_after: seconds after which to try again.
    """
    if (await receive())["type"] != "websocket.connect":
        return
    if EXTENSION not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close"})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    if retry_after is not None:
        headers.append((b"retry-after", str(math.ceil(retry_after)).encode()))
    await send({"type": f"{EXTENSION}.start", "status": status, "headers": headers})
    await send({"type": f"{EXTENSION}.body", "body": f"{sentence}\n".encode()})
