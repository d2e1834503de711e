"""Which websockets an application gets to see: so many refused ones a minute, so many at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from remote_service.admission import handshakes
from remote_service.admission.handshakes import CROWDED, TOO_MANY, Handshakes
from remote_service.monitoring.metrics import REGISTRY
from remote_service.relay.detaching import DETACH, detach_of
from remote_service.relay.takeover import TAKEOVER, takeover_of
from remote_service.tasks import spawn
from tests.unit.admission.upgrades import Upgrade, accepting, asked, refusing

PER_MINUTE = 3


@pytest.fixture(autouse=True)
def _few(settings: Any) -> None:
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, handshakes_per_minute=PER_MINUTE)


async def answered(front: Handshakes, address: str = "192.0.2.7", **more: Any) -> Upgrade:
    upgrade = Upgrade()
    await front(asked(address, **more), upgrade.receive, upgrade.send)
    return upgrade


def refused(bound: str) -> float:
    return REGISTRY.get_sample_value("remote_session_refused_total", {"bound": bound}) or 0.0


async def test_an_address_that_is_refused_too_often_has_to_wait() -> None:
    front, before = Handshakes(refusing), refused("handshake rate")
    assert [(await answered(front)).status for _ in range(PER_MINUTE + 1)] == [403] * PER_MINUTE + [429]
    late = await answered(front)
    assert late.text == f"{TOO_MANY}\n"
    assert late.headers[b"retry-after"] == b"20"
    assert refused("handshake rate") == before + 2
    assert (await answered(front, "192.0.2.8")).status == 403


async def test_whoever_is_let_in_may_come_as_often_as_they_like() -> None:
    front = Handshakes(accepting)
    assert {(await answered(front)).status for _ in range(10 * PER_MINUTE)} == {101}


@pytest.mark.parametrize(("extension", "way"), [(TAKEOVER, takeover_of), (DETACH, detach_of)])
async def test_a_transport_that_is_taken_over_or_given_away_was_let_in(extension: str, way: Any) -> None:
    async def take_over(accept: dict[str, Any]) -> str:
        return f"the line after {accept['type']}"

    lines = []

    async def taking(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await receive()
        found = way(scope)
        assert found is not None
        lines.append(await found({"type": "websocket.accept"}))

    front = Handshakes(taking)
    for _ in range(2 * PER_MINUTE):
        await answered(front, extensions={extension: take_over})
    assert lines == ["the line after websocket.accept"] * 2 * PER_MINUTE


async def test_what_the_server_cannot_do_is_not_offered_and_what_else_it_can_is_kept() -> None:
    offered: list[dict[str, Any]] = []

    async def looking(scope: dict[str, Any], receive: Any, send: Any) -> None:
        offered.append(scope["extensions"])
        await refusing(scope, receive, send)

    front = Handshakes(looking)
    await answered(front, extensions={"websocket.http.response": {}})
    await answered(front, extensions=None)
    assert offered == [{"websocket.http.response": {}}, {}]


async def test_nobody_waits_for_those_that_were_let_in() -> None:
    stays = asyncio.Event()

    async def staying(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await accepting(scope, receive, send)
        await stays.wait()

    front = Handshakes(staying)
    guests = [spawn(answered(front, f"192.0.2.{n}"), name="guest") for n in range(5 * handshakes.AT_ONCE)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert REGISTRY.get_sample_value("remote_session_pending_handshakes") == 0
    stays.set()
    assert {(await guest).status for guest in guests} == {101}


async def test_so_many_are_decided_on_at_once_and_one_too_many_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshakes, "MOST_WAITING", 2)
    decided, seen = asyncio.Event(), 0

    async def slow(scope: dict[str, Any], receive: Any, send: Any) -> None:
        nonlocal seen
        seen += 1
        await decided.wait()
        await refusing(scope, receive, send)

    front = Handshakes(slow)
    asking = [spawn(answered(front, f"192.0.2.{n}"), name=str(n)) for n in range(handshakes.AT_ONCE + 2)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert seen == handshakes.AT_ONCE
    assert REGISTRY.get_sample_value("remote_session_pending_handshakes") == handshakes.AT_ONCE + 2

    crowded = await answered(front, "192.0.2.99")
    assert (crowded.status, crowded.text) == (503, f"{CROWDED}\n")
    assert crowded.headers[b"retry-after"] == b"2"

    decided.set()
    assert {(await one).status for one in asking} == {403}
    assert REGISTRY.get_sample_value("remote_session_pending_handshakes") == 0


async def test_an_application_that_fails_makes_room_too() -> None:
    async def failing(_scope: dict[str, Any], _receive: Any, _send: Any) -> None:
        raise RuntimeError("a mistake")

    front = Handshakes(failing)
    with pytest.raises(RuntimeError):
        await answered(front)
    assert REGISTRY.get_sample_value("remote_session_pending_handshakes") == 0


async def test_the_log_says_it_once_a_minute_whoever_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    front = Handshakes(refusing)
    for address in ("192.0.2.7", "", "192.0.2.8"):
        for _ in range(PER_MINUTE + 2):
            await answered(front, address)
    assert [record.message for record in caplog.records] == [
        "192.0.2.7 is refused websockets, since more than 3 a minute were refused to it before; this is said once a "
        "minute, whoever else is"
    ]


async def test_what_comes_from_nowhere_is_one_source() -> None:
    front = Handshakes(refusing)
    assert [(await answered(front, client=None)).status for _ in range(PER_MINUTE + 1)][-1] == 429
