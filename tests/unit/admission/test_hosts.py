"""A websocket is let in only by a name of the site."""

from __future__ import annotations

from typing import Any

import pytest

from remote_service.admission.hosts import NOT_OURS, OwnHosts
from tests.unit.admission.upgrades import Upgrade, accepting, asked


@pytest.fixture(autouse=True)
def _names(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1", "[::1]", "desk.example.org", ".lab.example.org"]


async def answered(host: str) -> Upgrade:
    upgrade = Upgrade()
    await OwnHosts(accepting)(asked(host=host), upgrade.receive, upgrade.send)
    return upgrade


@pytest.mark.parametrize(
    "host", ["desk.example.org", "desk.example.org:8443", "DESK.example.org", "127.0.0.1:8000", "[::1]:8000",
             "n8.lab.example.org"],
)  # fmt: skip
async def test_the_sites_own_names_are_let_in(host: str) -> None:
    assert (await answered(host)).status == 101


@pytest.mark.parametrize(
    "host", ["evil.example", "desk.example.org.evil.example", "desk.example.org@evil.example", "", "192.0.2.7", "a b"]
)
async def test_any_other_name_is_told_so(host: str) -> None:
    upgrade = await answered(host)
    assert (upgrade.status, upgrade.text) == (400, f"{NOT_OURS}\n")
