"""Which websocket addresses lead to the relay; every other one is refused before the upgrade."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator

from remote_service.relay import routing
from remote_service.relay.routing import websocket_application
from tests.unit.relay.scopes import scope


@pytest.fixture
def relayed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that reached the relay, which accepts them."""
    paths: list[str] = []

    async def relay(inner: dict[str, Any], receive: Any, send: Any) -> None:
        paths.append(inner["path"])
        await send({"type": "websocket.accept"})

    monkeypatch.setattr(websocket_application.routes[0], "callback", relay)
    return paths


async def asked(path: str) -> dict[str, Any]:
    """What the application answers to a websocket there."""
    communicator = ApplicationCommunicator(websocket_application, scope(path))
    await communicator.send_input({"type": "websocket.connect"})
    answer: dict[str, Any] = await communicator.receive_output(1)
    await communicator.wait(1)
    return answer


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
    assert await asked(path) == {"type": "websocket.accept"}
    assert relayed == [path]


@pytest.mark.parametrize(
    "path",
    ["/", "", "/websockify/", "/websockify\n", "/xwebsockify", "/websockify/x", "/v1/status", "/a\nb/websockify"],
)
async def test_every_other_path_is_refused(relayed: list[str], path: str) -> None:
    assert await asked(path) == {"type": "websocket.close"}
    assert relayed == []


async def test_what_is_no_connect_is_left_alone() -> None:
    communicator = ApplicationCommunicator(routing.refuse, scope("/"))
    await communicator.send_input({"type": "websocket.disconnect", "code": 1006})
    await communicator.wait(1)

    assert await communicator.receive_nothing(0)


@pytest.mark.django_db(transaction=True)
async def test_the_relay_stands_behind_djangos_login() -> None:
    # Without a cookie there is a session without a key and nobody's user; without a token that is refused.
    communicator = ApplicationCommunicator(
        websocket_application, {key: value for key, value in scope().items() if key not in ("user", "session")}
    )
    await communicator.send_input({"type": "websocket.connect"})

    assert await communicator.receive_output(5) == {"type": "websocket.close"}
    await communicator.wait(5)
