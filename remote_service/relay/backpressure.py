"""Which ASGI servers cannot hold a fast end back: there a relay's memory grows by whatever one end sends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any


def lacks_backpressure(send: Callable[[dict[str, Any]], Awaitable[None]]) -> bool:
    """Whether the server is daphne (Channels' `runserver` is, too): it neither pauses reading nor waits for writes.

    Its scope does not say so; its `send` is a method of its server, or a partial of one, and what stands between (as
    Channels' sessions do) keeps the one that it was given as `real_send`.
    """
    method: Any = send
    while inner := getattr(method, "func", None) or getattr(getattr(method, "__self__", None), "real_send", None):
        method = inner
    return str(getattr(method, "__module__", "")).partition(".")[0] == "daphne"
