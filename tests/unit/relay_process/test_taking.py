"""The relay takes websockets of its own uid, and throws away what is none; real sockets, in a directory of the test."""

from __future__ import annotations

import logging
import os
import socket
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from remote_service.relay_process import taking
from remote_service.relay_process.messages import Handover
from remote_service.relay_process.taking import Taker
from tests.unit.relay_process.played import HANDOVER, both_ends
from tests.waiting import eventually_async


class Relay:
    """Remembers what it was handed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.taken: list[tuple[Handover, socket.socket | None]] = []
        self.taker = Taker(path, lambda handover, websocket: self.taken.append((handover, websocket)))

    def giver(self) -> socket.socket:
        """A page process's connection."""
        giver = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        giver.settimeout(5.0)
        try:
            giver.connect(str(self.path))
        except OSError:
            giver.close()
            raise
        return giver

    def close(self) -> None:
        self.taker.close()
        for _handover, websocket in self.taken:
            if websocket is not None:
                websocket.close()


@pytest.fixture
async def relay(tmp_path: Path) -> Iterator[Relay]:  # type: ignore[misc]
    made = Relay(tmp_path / "handovers.sock")
    yield made
    made.close()


async def test_a_websocket_arrives_with_its_handover_and_works(relay: Relay) -> None:
    with relay.giver() as giver, both_ends() as (viewer, ours):
        socket.send_fds(giver, [HANDOVER.packed()], [ours.fileno()])
        await eventually_async(lambda: relay.taken)
        ((handover, websocket),) = relay.taken
        assert handover == HANDOVER
        assert websocket is not None
        websocket.sendall(b"picture")
        assert viewer.recv(100) == b"picture"


async def test_one_connection_carries_many_and_each_is_one_packet(relay: Relay) -> None:
    with relay.giver() as giver, both_ends() as (_viewer, ours):
        for _ in range(3):
            socket.send_fds(giver, [HANDOVER.packed()], [ours.fileno()])
        await eventually_async(lambda: len(relay.taken) == 3)


async def test_its_socket_is_for_nobody_else(relay: Relay) -> None:
    assert stat.S_IMODE(relay.path.stat().st_mode) == 0o600


async def test_a_socket_that_a_killed_relay_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "handovers.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as killed:
        killed.bind(str(path))
    relay = Relay(path)
    relay.giver().close()
    relay.close()


async def test_a_path_of_any_length_will_do(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    relay = Relay(deep / "handovers.sock")
    assert (deep / "handovers.sock").is_socket()
    relay.close()


async def test_another_uid_is_sent_away(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ours = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with relay.giver() as giver:
        await eventually_async(lambda: caplog.records)
        assert giver.recv(1) == b""
    assert caplog.record_tuples == [
        (taking.__name__, logging.WARNING, f"uid {ours} wanted to hand websockets over; expected uid 4711")
    ]


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (b"\0\0\0\2{}", "a packet that is no handover: KeyError('grant')"),
        (b"\0\0\0\2{!", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
    ],
)
async def test_a_packet_that_is_no_handover_closes_its_socket(
    relay: Relay, caplog: pytest.LogCaptureFixture, packet: bytes, why: str
) -> None:
    with relay.giver() as giver, both_ends() as (viewer, ours):
        socket.send_fds(giver, [packet], [ours.fileno()])
        ours.close()
        await eventually_async(lambda: caplog.records)
        assert viewer.recv(1) == b""
        assert relay.taken == []
        await _takes_still(relay, giver)
    assert caplog.record_tuples == [(taking.__name__, logging.ERROR, f"a handover is thrown away: {why}")]


async def _takes_still(relay: Relay, giver: socket.socket) -> None:
    with both_ends() as (_viewer, ours):
        socket.send_fds(giver, [HANDOVER.packed()], [ours.fileno()])
        await eventually_async(lambda: relay.taken)


async def test_a_handover_without_a_socket_is_thrown_away(relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    with relay.giver() as giver:
        giver.send(HANDOVER.packed())
        await eventually_async(lambda: caplog.records)
        await _takes_still(relay, giver)
    assert caplog.messages == ["a handover is thrown away: it came with 0 descriptors; expected 1"]


async def test_one_out_of_a_tunnel_comes_without(relay: Relay) -> None:
    tunnelled = replace(HANDOVER, tunnel="seven")
    with relay.giver() as giver:
        giver.send(tunnelled.packed())
        await eventually_async(lambda: relay.taken)
    assert relay.taken == [(tunnelled, None)]


async def test_with_a_socket_it_is_thrown_away(relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    with relay.giver() as giver, both_ends() as (viewer, ours):
        socket.send_fds(giver, [replace(HANDOVER, tunnel="seven").packed()], [ours.fileno()])
        ours.close()
        await eventually_async(lambda: caplog.records)
        assert viewer.recv(1) == b""
        await _takes_still(relay, giver)
    assert caplog.messages == ["a handover is thrown away: it came with 1 descriptors; expected 0"]


async def test_nor_does_one_arrive_with_what_is_no_socket(
    relay: Relay, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with relay.giver() as giver:
        with open(tmp_path / "file", "w") as file:
            socket.send_fds(giver, [HANDOVER.packed()], [file.fileno()])
        await eventually_async(lambda: caplog.records)
        await _takes_still(relay, giver)
    assert caplog.messages == ["a handover is thrown away: [Errno 88] Socket operation on non-socket"]


async def test_who_hangs_up_is_forgotten_with_what_came_last(relay: Relay) -> None:
    with both_ends() as (viewer, ours):
        with relay.giver() as giver:
            await eventually_async(lambda: relay.taker._givers)
            socket.send_fds(giver, [b""], [ours.fileno()])
        ours.close()
        await eventually_async(lambda: not relay.taker._givers)
        assert viewer.recv(1) == b""


async def test_after_its_end_nothing_is_taken(tmp_path: Path) -> None:
    relay = Relay(tmp_path / "handovers.sock")
    with relay.giver() as giver:
        await eventually_async(lambda: relay.taker._givers)
        relay.taker.close()
        assert giver.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        relay.giver()


async def test_where_there_is_no_directory_nothing_can_be_taken(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Relay(tmp_path / "none" / "handovers.sock")
