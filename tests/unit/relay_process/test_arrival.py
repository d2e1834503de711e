"""A websocket that was handed over is a line like any other, and what its peer sent before comes first."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from remote_service.relay.frames import Opcode, close_frame
from remote_service.relay_process.arrival import line_of_socket, line_on
from tests.unit.relay.doubles import ViewerTransport
from tests.unit.relay.test_frames import frame
from tests.unit.relay_process.played import HANDOVER, both_ends
from tests.waiting import eventually_async


async def heard(line: Any, count: int) -> bytes:
    """So many bytes of the viewer."""
    found = b""
    while len(found) < count:
        found += (await line.receive())["bytes"]
    return found


async def test_it_is_spoken_to_and_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    with both_ends() as (viewer, ours):
        line = await line_of_socket(HANDOVER, ours)
        viewer.sendall(frame(Opcode.BINARY, b"key"))
        assert await line.receive() == {"type": "websocket.receive", "bytes": b"key"}
        await line.send({"type": "websocket.close", "code": 4008, "reason": "idle"})
        assert viewer.recv(100) == close_frame(4008, "idle")
        viewer.sendall(frame(Opcode.CLOSE, b"\x0f\xa8"))
        await line.over()
        assert viewer.recv(1) == b""


async def test_its_upgrade_is_answered_before_anything_else() -> None:
    with both_ends() as (viewer, ours):
        line = await line_of_socket(replace(HANDOVER, answer=b"HTTP/1.1 101 "), ours)
        await line.send({"type": "websocket.close", "code": 4008, "reason": "idle"})
        answer = b"HTTP/1.1 101 " + close_frame(4008, "idle")
        assert viewer.recv(len(answer), socket.MSG_WAITALL) == answer
        viewer.close()
        await line.over()


async def test_a_transport_that_the_relay_has_already_becomes_a_line_likewise() -> None:
    said = frame(Opcode.BINARY, b"early") + frame(Opcode.BINARY, b" late")
    transport = ViewerTransport()
    line = line_on(transport, replace(HANDOVER, answer=b"HTTP/1.1 101 ", early=said[:3]), [said[3:9], said[9:]])
    assert (transport.written, transport.protocol) == (b"HTTP/1.1 101 ", line)
    assert await heard(line, 10) == b"early late"
    line.connection_lost(None)


async def test_early_bytes_come_first_wherever_a_frame_was_cut() -> None:
    said = frame(Opcode.BINARY, b"early") + frame(Opcode.BINARY, b" late")
    for cut in range(len(said) + 1):
        with both_ends() as (viewer, ours):
            viewer.sendall(said[cut:])
            line = await line_of_socket(replace(HANDOVER, early=said[:cut]), ours)
            assert await heard(line, 10) == b"early late"
            viewer.close()
            await line.over()


async def test_what_comes_while_the_line_is_made_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    connect = loop.connect_accepted_socket

    async def slowly(protocol: Callable[[], Any], sock: socket.socket, **more: Any) -> tuple[Any, Any]:
        transport, landing = await connect(protocol, sock, **more)
        await eventually_async(lambda: landing.pieces)
        return transport, landing

    monkeypatch.setattr(loop, "connect_accepted_socket", slowly)
    said = frame(Opcode.BINARY, b"early") + frame(Opcode.BINARY, b" late")
    with both_ends() as (viewer, ours):
        viewer.sendall(said[9:])
        line = await line_of_socket(replace(HANDOVER, early=said[:9]), ours)
        assert await heard(line, 10) == b"early late"
        viewer.close()
        await line.over()


async def test_a_viewer_that_has_gone_meanwhile_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    connect = loop.connect_accepted_socket

    async def slowly(protocol: Callable[[], Any], sock: socket.socket, **more: Any) -> tuple[Any, Any]:
        transport, landing = await connect(protocol, sock, **more)
        await eventually_async(lambda: landing.lost)
        return transport, landing

    monkeypatch.setattr(loop, "connect_accepted_socket", slowly)
    with both_ends() as (viewer, ours):
        viewer.close()
        with pytest.raises(ConnectionResetError) as caught:
            await line_of_socket(HANDOVER, ours)
    assert str(caught.value) == "the viewer left while its websocket was handed over"


async def test_a_message_may_have_as_many_bytes_as_the_page_process_allows() -> None:
    with both_ends() as (viewer, ours):
        line = await line_of_socket(replace(HANDOVER, most_message=4), ours)
        viewer.sendall(frame(Opcode.BINARY, b"12345"))
        assert (await line.receive())["code"] == 1009
        viewer.close()
        await line.over()
