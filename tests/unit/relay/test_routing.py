"""Which websocket addresses lead to the relay; every other one is refused before the upgrade."""

from __future__ import annotations

from typing import Any

import pytest

from remote_service.relay import routing
from remote_service.relay.routing import websocket_application
from tests.unit.relay.doubles import Viewer
from tests.unit.relay.scopes import scope


@pytest.fixture
def relayed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that reached the relay, which accepts them."""
    paths: list[str] = []

    async def relay(inner: dict[str, Any], receive: Any, send: Any) -> None:
        paths.append(inner["path"])
        await send({"type": "websocket.accept", "subprotocol": None})

    monkeypatch.setattr(websocket_application.routes[0], "callback", relay)
    return paths


async def ask(asked: dict[str, Any]) -> Viewer:
    """Somebody who asks for a websocket, and what became of it."""
    viewer = Viewer()
    viewer.messages.put_nowait({"type": "websocket.connect"})
    application: Any = websocket_application
    await application(asked, viewer.receive, viewer.send)
    return viewer


@pytest.mark.parametrize(
    "path",
    [
        "/websockify",
        "/any/path/websockify",
        "//websockify",
        "/sessions/3f0c8a52-3a3e-4c52-9d31-5f8d2b6f9f11/websockify",
    ],
)
async def test_every_path_that_ends_so_leads_to_the_relay(relayed: list[str], path: str) -> None:
    assert (await ask(scope(path))).accepted is None
    assert relayed == [path]


@pytest.mark.parametrize(
    "path",
    ["/", "", "/websockify/", "/websockify\n", "/xwebsockify", "/websockify/x", "/v1/status", "/a\nb/websockify"],
)
async def test_every_other_path_is_refused(relayed: list[str], path: str) -> None:
    assert (await ask(scope(path))).refused
    assert relayed == []


async def test_what_is_no_connect_is_left_alone() -> None:
    viewer = Viewer()
    viewer.leaves(1006)

    await routing.refuse(scope("/"), viewer.receive, viewer.send)

    assert not viewer.refused


@pytest.mark.django_db(transaction=True)
async def test_the_relay_stands_behind_djangos_login() -> None:
    # Without a cookie there is a session without a key and nobody's user; without a token that is refused.
    asked = {key: value for key, value in scope().items() if key not in ("user", "session")}

    assert (await ask(asked)).refused
