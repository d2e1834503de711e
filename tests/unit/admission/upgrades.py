"""A websocket that asks to be let in, as the tests of what decides about it play it."""

from __future__ import annotations

from typing import Any


def asked(address: str = "192.0.2.7", host: str = "testserver", **more: Any) -> dict[str, Any]:
    """Its scope."""
    return {
        "type": "websocket", "scheme": "ws", "path": "/websockify", "client": (address, 50000),
        "headers": [(b"host", host.encode())] if host else [],
        "extensions": {"websocket.http.response": {}}, **more,
    }  # fmt: skip


class Upgrade:
    """What it is answered."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.said.append(message)

    @property
    def status(self) -> int:
        """As a client sees it."""
        first = self.said[0]
        plain = {"websocket.accept": 101, "websocket.close": 403}
        return plain.get(first["type"]) or int(first["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.said[0].get("headers", []))

    @property
    def text(self) -> str:
        return str(self.said[-1].get("body", b"").decode())


async def accepting(_scope: dict[str, Any], receive: Any, send: Any) -> None:
    """An application that lets everybody in."""
    await receive()
    await send({"type": "websocket.accept"})


async def refusing(_scope: dict[str, Any], receive: Any, send: Any) -> None:
    """One that lets nobody in."""
    await receive()
    await send({"type": "websocket.close"})
