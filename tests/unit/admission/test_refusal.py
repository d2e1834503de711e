"""How an upgrade is refused."""

from __future__ import annotations

from typing import Any

from remote_service.admission.refusal import refuse_upgrade
from tests.unit.admission.upgrades import Upgrade, asked


async def test_it_is_told_why_and_when_to_try_again() -> None:
    upgrade = Upgrade()
    await refuse_upgrade(asked(), upgrade.receive, upgrade.send, 429, "Too many came.", retry_after=1.2)
    assert (upgrade.status, upgrade.text) == (429, "Too many came.\n")
    assert upgrade.headers == {
        b"content-type": b"text/plain; charset=utf-8",
        b"connection": b"close",
        b"retry-after": b"2",
    }


async def test_without_a_time_none_is_told() -> None:
    upgrade = Upgrade()
    await refuse_upgrade(asked(), upgrade.receive, upgrade.send, 400, "No.")
    assert b"retry-after" not in upgrade.headers


async def test_a_server_without_the_extension_says_403() -> None:
    for extensions in ({}, None):
        upgrade = Upgrade()
        await refuse_upgrade(asked(extensions=extensions), upgrade.receive, upgrade.send, 429, "No.")
        assert upgrade.said == [{"type": "websocket.close"}]


async def test_who_has_left_is_told_nothing() -> None:
    upgrade = Upgrade()

    async def left() -> dict[str, Any]:
        return {"type": "websocket.disconnect", "code": 1006}

    await refuse_upgrade(asked(), left, upgrade.send, 400, "No.")
    assert upgrade.said == []
