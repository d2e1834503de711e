"""A viewer's line that was taken over: what it says and hears, how it is held back, and how it ends."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from remote_service.relay import inflow
from remote_service.relay import line as module
from remote_service.relay.frames import MOST_CONTROL_FRAMES, Opcode, binary_header, close_frame
from remote_service.relay.inflow import Hold
from remote_service.relay.line import LINE_CUT, Line
from remote_service.rfb.errors import Peer, RemoteProtocolError
from remote_service.tasks import spawn
from tests.unit.relay.doubles import ViewerTransport
from tests.unit.relay.test_frames import frame
from tests.waiting import eventually_async

NO_RFB = RemoteProtocolError(Peer.VIEWER, offset=0, field="message-type", value=7, allowed="0")
GOODBYE = frame(Opcode.CLOSE, (1001).to_bytes(2, "big"))


class Viewer:
    """A line and both that it is between."""

    def __init__(self) -> None:
        self.transport = ViewerTransport()
        self.lost: list[Exception | None] = []
        self.line = Line(self.transport, most_message=1 << 20, peer="192.0.2.7", lost=self.lost.append)
        self.transport.protocol = self.line

    def says(self, *frames: bytes) -> None:
        self.line.data_received(b"".join(frames))

    @property
    def heard(self) -> bytes:
        return self.transport.written


class Consumer:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.flushed = 0
        self.full = False
        self.error: Exception | None = None

    def from_viewer(self, piece: bytes) -> None:
        if self.error is not None:
            raise self.error
        self.taken.append(piece)

    def flush(self) -> None:
        self.flushed += 1

    def viewer_full(self) -> None:
        self.full = True

    def viewer_drained(self) -> None:
        self.full = False


@pytest.fixture
async def viewer() -> Any:
    made = Viewer()
    yield made
    if not made.lost:
        made.line.connection_lost(None)


def received(data: bytes) -> dict[str, Any]:
    return {"type": "websocket.receive", "bytes": data}


def left(code: int) -> dict[str, Any]:
    return {"type": "websocket.disconnect", "code": code}


# ---- receive and send ------------------------------------------------------------------------------------


async def test_what_is_said_is_received_piece_by_piece_and_reading_is_held_meanwhile(viewer: Viewer) -> None:
    viewer.says(frame(2, b"one"), frame(2, b"two"))
    assert not viewer.transport.reading

    assert await viewer.line.receive() == received(b"one")
    assert not viewer.transport.reading
    assert await viewer.line.receive() == received(b"two")
    assert viewer.transport.reading


async def test_who_waits_is_woken(viewer: Viewer) -> None:
    waiting = spawn(viewer.line.receive(), name="viewer")
    await asyncio.sleep(0)
    viewer.says(frame(2, b"hello"))
    assert await waiting == received(b"hello")


async def test_bytes_are_sent_behind_a_header(viewer: Viewer) -> None:
    await viewer.line.send({"type": "websocket.send", "bytes": b"picture"})
    assert viewer.heard == binary_header(7) + b"picture"


async def test_sending_waits_for_a_viewer_that_takes_no_more(viewer: Viewer) -> None:
    viewer.line.pause_writing()
    sending = spawn(viewer.line.send({"type": "websocket.send", "bytes": b"picture"}), name="viewer")
    await asyncio.sleep(0)
    assert viewer.heard == b""
    viewer.line.resume_writing()
    await sending
    assert viewer.heard.endswith(b"picture")


async def test_to_a_line_that_was_cut_nothing_can_be_sent(viewer: Viewer) -> None:
    viewer.line.pause_writing()
    sending = spawn(viewer.line.send({"type": "websocket.send", "bytes": b"picture"}), name="viewer")
    await asyncio.sleep(0)
    viewer.line.connection_lost(None)
    for message in (sending, viewer.line.send({"type": "websocket.close", "code": 1000, "reason": ""})):
        with pytest.raises(OSError, match="the viewer has left"):
            await message
    assert viewer.heard == b""


# ---- pings -----------------------------------------------------------------------------------------------


async def test_pings_are_answered_between_two_parts_of_a_message(viewer: Viewer) -> None:
    viewer.line.hand_to(consumer := Consumer())
    viewer.says(frame(2, b"a", fin=False), frame(Opcode.PING, b"?"), frame(0, b"b"))
    assert viewer.heard == b"\x8a\x01?"
    assert consumer.taken == [b"a", b"b"]


async def test_of_pings_that_cannot_be_answered_at_the_moment_the_last_one_is(viewer: Viewer) -> None:
    viewer.line.pause_writing()
    viewer.says(frame(Opcode.PING, b"1"), frame(Opcode.PING, b"2"))
    assert viewer.heard == b""
    viewer.line.resume_writing()
    assert viewer.heard == b"\x8a\x012"


async def test_a_peer_that_says_nothing_between_two_pings_is_cut(
    viewer: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PING", 0.0)
    viewer.line._ping()
    assert viewer.heard[:2] == b"\x89\x04"
    await eventually_async(lambda: viewer.transport.aborted)
    assert await viewer.line.receive() == left(LINE_CUT)


async def test_whoever_says_something_stays(viewer: Viewer) -> None:
    for _ in range(3):
        viewer.line._ping()
        viewer.says(frame(Opcode.PONG, viewer.heard[-4:]))
    assert not viewer.transport.aborted


async def test_who_is_not_read_is_not_taken_for_dead(viewer: Viewer) -> None:
    viewer.line.hold(Hold.ENDPOINT)
    for _ in range(3):
        viewer.line._ping()
    viewer.line.release(Hold.ENDPOINT)
    viewer.line._ping()
    assert not viewer.transport.aborted, "it has just begun to be read again"
    viewer.line._ping()
    assert viewer.transport.aborted


async def test_a_flood_ends_the_line(
    viewer: Viewer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inflow, "BRAKE_FROM", 60.0)  # on a busy machine the brake would come first
    with caplog.at_level(logging.WARNING):
        viewer.says(*[frame(Opcode.PING)] * 10 * MOST_CONTROL_FRAMES)
    assert viewer.transport.aborted
    assert len(viewer.heard) <= 2 * MOST_CONTROL_FRAMES
    assert [record.message for record in caplog.records] == [
        f"192.0.2.7: more than {MOST_CONTROL_FRAMES} control frames within a second; cut"
    ]


# ---- its end ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sent", "code"), [(GOODBYE, 1001), (frame(Opcode.CLOSE), 1005)])
async def test_a_goodbye_is_answered_told_and_ends_the_connection(viewer: Viewer, sent: bytes, code: int) -> None:
    viewer.says(frame(2, b"last words"), sent)
    assert await viewer.line.receive() == received(b"last words")
    assert await viewer.line.receive() == left(code)
    assert viewer.heard == close_frame(code)
    assert viewer.transport.closing


async def test_our_goodbye_is_behind_what_was_sent_and_waits_for_the_viewers(viewer: Viewer) -> None:
    viewer.line.write(b"last picture")
    await viewer.line.send({"type": "websocket.close", "code": 4008, "reason": "idle"})
    assert viewer.heard.endswith(b"last picture" + close_frame(4008, "idle"))
    viewer.line.write(b"nothing more")
    viewer.says(frame(2, b"nobody hears it"), frame(Opcode.PING))
    assert not viewer.transport.closing
    viewer.says(GOODBYE)
    assert viewer.transport.closing
    assert viewer.heard.endswith(close_frame(4008, "idle"))


async def test_who_does_not_answer_a_goodbye_is_cut_in_the_end(viewer: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLOSE_PATIENCE", 0.0)
    viewer.says(frame(2, b"held"))
    viewer.line.close(1000, "")
    assert viewer.transport.reading
    await eventually_async(lambda: viewer.transport.aborted)


async def test_a_breach_is_answered_with_its_code(viewer: Viewer) -> None:
    viewer.line.hand_to(consumer := Consumer())
    viewer.says(frame(2, b"good"), frame(Opcode.TEXT, b"bad"))
    viewer.says(frame(2, b"more"))
    assert consumer.taken == [b"good"]
    assert viewer.heard == close_frame(1003, "only binary messages are carried")
    assert viewer.transport.ended
    assert await viewer.line.receive() == left(1003)
    await eventually_async(lambda: viewer.transport.aborted, within=5)


async def test_who_hangs_up_without_a_goodbye_was_cut(viewer: Viewer) -> None:
    viewer.line.eof_received()
    assert await viewer.line.receive() == left(LINE_CUT)
    viewer.line.connection_lost(None)
    assert viewer.lost == [None]
    await viewer.line.over()


async def test_when_the_server_stops_the_viewer_is_told_and_not_waited_for(
    viewer: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_PATIENCE", 0.0)
    viewer.line.shutdown()
    assert viewer.heard == close_frame(1012, "The server was stopped.")
    assert await viewer.line.receive() == left(1012)
    await eventually_async(lambda: viewer.transport.aborted)


async def test_a_line_that_nobody_closed_is_closed_as_a_mistake_of_ours(viewer: Viewer) -> None:
    over = spawn(viewer.line.over(), name="over")
    await asyncio.sleep(0)
    assert viewer.heard == close_frame(1011)
    viewer.line.connection_lost(None)
    await over


# ---- its consumer ----------------------------------------------------------------------------------------


async def test_a_consumer_gets_first_what_nobody_took(viewer: Viewer) -> None:
    viewer.says(frame(2, b"one"), frame(2, b"two"))
    viewer.line.hand_to(consumer := Consumer())
    viewer.says(frame(2, b"three"))
    assert consumer.taken == [b"one", b"two", b"three"]
    assert consumer.flushed
    assert viewer.transport.reading


async def test_a_consumer_that_holds_gets_the_rest_of_a_chunk_later(viewer: Viewer) -> None:
    viewer.line.hand_to(consumer := Consumer())
    viewer.line.hold(Hold.ENDPOINT)
    viewer.says(frame(2, b"one"))
    viewer.says(frame(2, b"two"))
    assert consumer.taken == []
    viewer.line.release(Hold.ENDPOINT)
    assert consumer.taken == [b"one", b"two"]
    assert viewer.transport.reading


async def test_a_consumer_hears_that_the_viewer_takes_no_more(viewer: Viewer) -> None:
    viewer.line.pause_writing()
    viewer.line.hand_to(consumer := Consumer())
    assert consumer.full
    viewer.line.resume_writing()
    assert not consumer.full
    viewer.line.pause_writing()
    assert consumer.full


async def test_what_a_consumer_does_not_understand_is_told_to_who_reads(viewer: Viewer) -> None:
    viewer.line.hand_to(consumer := Consumer())
    consumer.error = NO_RFB
    reading = spawn(_error_of(viewer.line.receive()), name="viewer")
    viewer.says(frame(2, b"one"), frame(2, b"two"))
    assert await reading is NO_RFB
    assert not viewer.transport.reading


async def _error_of(receiving: Any) -> Exception:
    with pytest.raises(RemoteProtocolError) as caught:
        await receiving
    return caught.value
