"""A page process gives a websocket away, to whichever relay is there; the relay's side is a socket of the test."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from remote_service.relay_process import giving
from remote_service.relay_process.giving import Giver, NoRelayError
from remote_service.relay_process.messages import Handover
from remote_service.tasks import spawn
from tests.unit.relay_process.played import HANDOVER, both_ends
from tests.waiting import eventually_async


class Relay:
    """Takes what comes when the test says so."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(str(path))
        self.listener.listen()
        self.listener.settimeout(5.0)
        self.connections: list[socket.socket] = []

    def comes(self) -> None:
        connection, _address = self.listener.accept()
        connection.settimeout(5.0)
        self.connections.append(connection)

    def takes(self) -> tuple[Handover, socket.socket]:
        packet, (descriptor,), _flags, _address = socket.recv_fds(self.connections[-1], 1 << 20, 1)
        return Handover.unpacked(packet), socket.socket(fileno=descriptor)

    def dies(self) -> None:
        for each in (self.listener, *self.connections):
            each.close()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(giving, "RETRY", 0.001)
    return tmp_path / "handovers.sock"


@pytest.fixture
def relay(path: Path) -> Iterator[Relay]:
    made = Relay(path)
    yield made
    made.dies()


@pytest.fixture
def giver(path: Path) -> Iterator[Giver]:
    made = Giver(path)
    yield made
    made.close()


async def test_the_relay_gets_the_websocket_and_its_handover(relay: Relay, giver: Giver) -> None:
    with both_ends() as (viewer, ours):
        await giver.give(ours, replace(HANDOVER, early=b"early"))
        relay.comes()
        handover, websocket = relay.takes()
        assert handover == replace(HANDOVER, early=b"early")
        with websocket:
            websocket.sendall(b"picture")
        assert viewer.recv(100) == b"picture"


async def test_the_connection_is_kept(relay: Relay, giver: Giver) -> None:
    with both_ends() as (_viewer, ours):
        for _ in range(3):
            await giver.give(ours, HANDOVER)
        relay.comes()
        for _ in range(3):
            relay.takes()[1].close()


async def test_a_relay_that_was_killed_is_found_again(path: Path, giver: Giver) -> None:
    with both_ends() as (_viewer, ours):
        first = Relay(path)
        await giver.give(ours, HANDOVER)
        first.comes()
        first.takes()[1].close()
        first.dies()
        giving_now = spawn(giver.give(ours, HANDOVER), name="viewer")
        await asyncio.sleep(0)
        assert not giving_now.done()

        second = Relay(path)
        await giving_now
        second.comes()
        second.takes()[1].close()
        second.dies()


async def test_one_that_is_not_there_yet_is_waited_for(path: Path, giver: Giver) -> None:
    with both_ends() as (_viewer, ours):
        giving_now = spawn(giver.give(ours, HANDOVER), name="viewer")
        await asyncio.sleep(0)
        assert not giving_now.done()
        relay = Relay(path)
        await giving_now
        relay.dies()


async def test_but_not_for_ever(path: Path, giver: Giver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(giving, "PATIENCE", 0.01)
    with both_ends() as (_viewer, ours), pytest.raises(NoRelayError) as caught:
        await giver.give(ours, HANDOVER)
    assert str(caught.value) == f"the relay's process does not take anything at {path}"


async def test_a_relay_that_is_busy_holds_its_givers_back_and_loses_nothing(relay: Relay, giver: Giver) -> None:
    given = 0
    large = replace(HANDOVER, early=bytes(60_000))

    async def give_many() -> None:
        nonlocal given
        for _ in range(20):
            await giver.give(ours, large)
            given += 1

    with both_ends() as (_viewer, ours):
        giving_all = spawn(give_many(), name="viewers")
        await eventually_async(lambda: given > 0)
        before = given
        assert before < 20
        relay.comes()
        for _ in range(20):
            handover, websocket = await asyncio.to_thread(relay.takes)
            websocket.close()
            assert handover == large
        await giving_all


async def test_a_relay_that_dies_while_it_is_busy_is_found_again(path: Path, relay: Relay, giver: Giver) -> None:
    large = replace(HANDOVER, early=bytes(200_000))
    with both_ends() as (_viewer, ours):
        waiting = [spawn(giver.give(ours, large), name="viewer") for _ in range(5)]
        await eventually_async(lambda: waiting[0].done())
        assert not waiting[-1].done()
        relay.dies()
        second = Relay(path)
        await asyncio.to_thread(second.comes)
        while not waiting[-1].done():
            (await asyncio.to_thread(second.takes))[1].close()
        second.dies()


async def test_a_viewer_that_has_said_too_much_is_not_tried_again_so_that_the_others_go_on(
    relay: Relay, giver: Giver
) -> None:
    with both_ends() as (_viewer, ours):
        await giver.give(ours, HANDOVER)
        with pytest.raises(NoRelayError) as caught:
            await giver.give(ours, replace(HANDOVER, early=bytes(1 << 20)))
        await giver.give(ours, HANDOVER)
        relay.comes()
        for _ in range(2):
            relay.takes()[1].close()
    assert str(caught.value) == "the viewer has sent 1048576 bytes before it was let in; expected far fewer"
