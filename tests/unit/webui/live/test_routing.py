"""Which websocket addresses open pages listen at."""

from __future__ import annotations

from typing import Any

import pytest
from channels.routing import URLRouter

from tests.unit.relay.doubles import Viewer
from tests.unit.relay.scopes import scope
from webui.live.routing import live_routes


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    paths: list[str] = []

    async def live(inner: dict[str, Any], receive: Any, send: Any) -> None:
        paths.append(inner["path"])

    monkeypatch.setattr(live_routes[0], "callback", live)
    return paths


async def ask(path: str) -> None:
    viewer = Viewer()
    router: Any = URLRouter(live_routes)
    await router(scope(path), viewer.receive, viewer.send)


@pytest.mark.parametrize("path", ["/live/", "/desk/live/", "//live/"])
async def test_pages_listen_there(reached: list[str], path: str) -> None:
    await ask(path)
    assert reached == [path]


@pytest.mark.parametrize("path", ["/", "/live", "/live/\n", "/alive/", "/live/x"])
async def test_nowhere_else(reached: list[str], path: str) -> None:
    with pytest.raises(ValueError, match="No route found for path"):
        await ask(path)
    assert reached == []
