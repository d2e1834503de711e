"""The relay's process at work: a websocket that comes is served, and all are told when it stops."""

from __future__ import annotations

import asyncio
import logging
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from remote_service.relay.frames import Opcode, close_frame
from remote_service.relay.watch import Grant
from remote_service.relay_process import service as module
from remote_service.relay_process.giving import Giver
from remote_service.relay_process.messages import Handover
from remote_service.relay_process.service import RelayService
from tests.unit.relay.test_frames import frame
from tests.unit.relay_process.played import GRANT, HANDOVER, both_ends
from tests.waiting import eventually_async


class Clerk:
    """Knows nobody; remembers that it was told the last."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths
        self.told: list[str] = []

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.told.append("ended")

    async def last_report(self) -> None:
        self.told.append("last report")


class Relay:
    """A relay whose viewers get an echo."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.served: list[Grant] = []
        self.left: list[int] = []
        self.fault: Exception | None = None
        monkeypatch.setattr(module, "FarClerk", Clerk)
        monkeypatch.setattr(module, "serve_viewer", self._serve)
        self.service = RelayService(folder / "handovers.sock", [folder / "office.sock"])
        self.clerk: Clerk = self.service.clerk  # type: ignore[assignment]
        self.giver = Giver(folder / "handovers.sock")

    async def _serve(self, clerk: Any, grant: Grant, receive: Any, send: Any, line: Any) -> None:
        assert clerk is self.clerk
        assert (receive, send) == (line.receive, line.send)
        self.served.append(grant)
        if self.fault is not None:
            raise self.fault
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "bytes": message["bytes"]})
        self.left.append(message["code"])

    async def gets(self, websocket: socket.socket, handover: Handover = HANDOVER) -> None:
        before = len(self.served)
        await self.giver.give(websocket, handover)
        websocket.close()
        await eventually_async(lambda: len(self.served) > before)

    async def stop(self) -> None:
        self.giver.close()
        await self.service.stop()


@pytest.fixture
async def relay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Relay:
    return Relay(tmp_path, monkeypatch)


async def hears(viewer: socket.socket, count: int) -> bytes:
    """So many bytes, while the relay goes on."""
    viewer.setblocking(False)
    found = b""
    while len(found) < count:
        found += await asyncio.get_running_loop().sock_recv(viewer, count - len(found))
    return found


async def test_a_websocket_that_comes_is_served_by_its_grant(relay: Relay, tmp_path: Path) -> None:
    with both_ends() as (viewer, ours):
        await relay.gets(ours, replace(HANDOVER, early=frame(Opcode.BINARY, b"early")))
        assert await hears(viewer, 7) == b"\x82\x05early"
        viewer.close()
        await eventually_async(lambda: relay.left)
        await eventually_async(lambda: not relay.service._lines)
    assert relay.served == [GRANT]
    assert relay.clerk.paths == [tmp_path / "office.sock"]
    await relay.stop()


async def test_viewers_are_served_beside_each_other(relay: Relay) -> None:
    with both_ends() as (one, ours), both_ends() as (other, others):
        await relay.gets(ours)
        await relay.gets(others)
        for viewer in (other, one):
            viewer.sendall(frame(Opcode.BINARY, b"hello"))
            assert await hears(viewer, 7) == b"\x82\x05hello"
        one.close()
        other.close()
        await eventually_async(lambda: len(relay.left) == 2)
    await relay.stop()


async def test_when_it_stops_all_are_told_and_the_office_last(relay: Relay) -> None:
    goodbye = close_frame(1012, "The server was stopped.")
    with both_ends() as (viewer, ours):
        await relay.gets(ours)
        stopping = asyncio.gather(relay.stop())
        assert await hears(viewer, len(goodbye)) == goodbye
        assert relay.clerk.told == [], "viewers may leave traffic that the last report has to tell"
        viewer.send(frame(Opcode.CLOSE, b"\x03\xf4"))
        await stopping
    assert relay.left == [1012]
    await eventually_async(lambda: relay.clerk.told == ["last report", "ended"])


async def test_one_that_takes_no_goodbye_is_not_waited_for(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GOODBYE", 0.01)
    with both_ends() as (viewer, ours):
        await relay.gets(ours)
        await relay.stop()
        assert relay.clerk.told[0] == "last report"
        viewer.close()
        await eventually_async(lambda: not relay.service._serving)


async def test_without_viewers_it_stops_at_once(relay: Relay) -> None:
    await relay.stop()
    assert relay.clerk.told[0] == "last report"


async def test_a_viewer_that_had_left_is_not_served(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def gone(_handover: Handover, websocket: socket.socket) -> Any:
        websocket.close()
        raise ConnectionResetError("it left")

    monkeypatch.setattr(module, "line_of_socket", gone)
    with caplog.at_level(logging.DEBUG, module.__name__), both_ends() as (_viewer, ours):
        await relay.giver.give(ours, HANDOVER)
        await eventually_async(lambda: caplog.records)
    assert relay.served == []
    assert caplog.messages == ["a viewer had left before it was served: it left"]
    await relay.stop()


async def test_nor_is_one_of_a_tunnel_where_there_are_none(relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, module.__name__):
        await relay.giver.give(None, replace(HANDOVER, tunnel="seven"))
        await eventually_async(lambda: caplog.records)
    assert relay.served == []
    assert caplog.messages == ["a viewer had left before it was served: a tunnel is named, and there are none here"]
    await relay.stop()


async def test_a_mistake_of_ours_ends_the_line_it_concerns(relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    relay.fault = ZeroDivisionError()
    with both_ends() as (viewer, ours):
        await relay.gets(ours)
        assert await hears(viewer, 4) == close_frame(1011)
        viewer.close()
        await eventually_async(lambda: "task viewer failed" in caplog.messages)
    await relay.stop()


async def test_where_handovers_cannot_be_taken_it_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FileNotFoundError):
        Relay(tmp_path / "none", monkeypatch)
