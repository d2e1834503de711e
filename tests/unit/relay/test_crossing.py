"""Both ends wired crosswise: bytes pass, either holds the other back, and either may go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from remote_service.relay.crossing import Crossing
from remote_service.relay.frames import binary_header
from remote_service.relay.inflow import Hold
from remote_service.relay.line import Line
from remote_service.relay.scratch import WORTH_LENDING
from remote_service.relay.upstream import MOST_UNREAD, Upstream
from remote_service.rfb.buffer import Data
from remote_service.rfb.errors import Peer, RemoteProtocolError
from remote_service.tasks import spawn
from tests.unit.relay.doubles import ViewerTransport
from tests.unit.relay.test_frames import frame

MUCH = 2 * WORTH_LENDING
NO_RFB = RemoteProtocolError(Peer.VIEWER, offset=0, field="message-type", value=7, allowed="0")


class Ends:
    """A viewer's line and an endpoint's connection, both with played transports."""

    def __init__(self) -> None:
        self.viewer = ViewerTransport()
        self.line = Line(self.viewer, most_message=1 << 20, peer="", lost=lambda _error: None)
        self.endpoint = ViewerTransport()
        self.upstream = Upstream()
        self.upstream.connection_made(self.endpoint)
        self.seen = b""
        self.error: Exception | None = None

    def cross(self, *, works: bool = False) -> Crossing:
        return Crossing(self.line, self.upstream, up=self._up, down=self._down, works=works)

    def _up(self, data: bytes) -> bytes:
        if self.error is not None:
            raise self.error
        return data.replace(b"secret", b"")

    def _down(self, data: Data) -> Data:
        self.seen += data
        if data == b"no RFB":
            raise NO_RFB
        return bytes(data).replace(b"secret", b"") if b"secret" in bytes(data) else data


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    made = Ends()
    yield made
    made.line.connection_lost(None)


async def test_bytes_pass_both_ways_and_are_looked_at(ends: Ends) -> None:
    crossing = ends.cross()
    ends.line.data_received(frame(2, b"a secret key") + frame(2, b"secret") + frame(2, b"!"))
    crossing.data_received(b"picture")
    assert ends.endpoint.written == b"a  key!"
    assert ends.viewer.written == binary_header(7) + b"picture"
    assert ends.seen == b"picture"


async def test_what_was_read_of_both_before_passes_first(ends: Ends) -> None:
    ends.upstream.data_received(b"RFB")
    ends.line.data_received(frame(2, b"early"))
    crossing = ends.cross()
    assert ends.endpoint.protocol is crossing
    crossing.data_received(b"!")
    assert ends.viewer.written == binary_header(3) + b"RFB" + binary_header(1) + b"!"
    assert ends.endpoint.written == b"early"


async def test_an_endpoint_that_spoke_much_is_read_again(ends: Ends) -> None:
    ends.upstream.data_received(bytes(MOST_UNREAD))
    assert not ends.endpoint.reading
    ends.cross()
    assert ends.endpoint.reading


@pytest.mark.parametrize("before", [True, False])
async def test_a_viewer_that_takes_no_more_holds_the_endpoint_back(ends: Ends, before: bool) -> None:
    if before:
        ends.line.pause_writing()
        ends.cross()
    else:
        ends.cross()
        ends.line.pause_writing()
    assert not ends.endpoint.reading
    ends.line.resume_writing()
    assert ends.endpoint.reading


@pytest.mark.parametrize("before", [True, False])
async def test_an_endpoint_that_takes_no_more_holds_the_viewer_back(ends: Ends, before: bool) -> None:
    if before:
        ends.upstream.pause_writing()
        crossing = ends.cross()
    else:
        crossing = ends.cross()
        crossing.pause_writing()
    assert not ends.viewer.reading
    crossing.resume_writing()
    assert ends.viewer.reading


@pytest.mark.parametrize("before", [True, False])
async def test_it_is_finished_when_the_endpoint_hangs_up(ends: Ends, before: bool) -> None:
    ends.upstream.data_received(b"last words")
    if before:
        ends.upstream.connection_lost(None)
        crossing = ends.cross()
    else:
        crossing = ends.cross()
        crossing.pause_writing()
        crossing.connection_lost(None)
    await crossing.finished()
    assert ends.viewer.written.endswith(b"last words")
    assert ends.viewer.reading
    ends.upstream.send(b"nobody listens")
    await ends.upstream.drained()
    ends.line.data_received(frame(2, b"into the void"))
    assert ends.endpoint.written == b""


async def test_once_it_is_cancelled_nothing_passes(ends: Ends) -> None:
    crossing = ends.cross()
    waiting = spawn(crossing.finished(), name="crossing")
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})

    crossing.data_received(b"picture")
    ends.line.data_received(frame(2, b"key"))
    assert (ends.viewer.written, ends.endpoint.written) == (b"", b"")
    assert not ends.endpoint.reading
    ends.line.pause_writing()
    ends.line.resume_writing()
    assert not ends.endpoint.reading


async def test_what_may_not_pass_ends_it_for_the_reader(ends: Ends) -> None:
    ends.cross()
    ends.error = NO_RFB
    ends.line.data_received(frame(2, b"key"))
    with pytest.raises(RemoteProtocolError):
        await ends.line.receive()
    assert ends.endpoint.written == b""


async def test_a_hold_of_the_endpoint_ends_with_it(ends: Ends) -> None:
    crossing = ends.cross()
    crossing.pause_writing()
    ends.line.hold(Hold.QUEUE)
    crossing.connection_lost(None)
    ends.line.release(Hold.QUEUE)
    assert ends.viewer.reading


async def test_what_a_viewer_has_not_taken_is_not_written_over(ends: Ends) -> None:
    crossing = ends.cross()
    for picture in (b"a", b"b"):
        ends.viewer.keeps = True
        crossing.get_buffer(-1)[:MUCH] = picture * MUCH
        crossing.buffer_updated(MUCH)
        crossing.get_buffer(-1)[:MUCH] = b"x" * MUCH
        ends.viewer.send_kept()
    assert ends.viewer.written == b"".join(binary_header(MUCH) + picture * MUCH for picture in (b"a", b"b"))


async def test_what_an_endpoint_has_not_taken_is_not_written_over(ends: Ends) -> None:
    crossing = ends.cross()
    crossing.pause_writing()
    said = frame(2, b"a" * MUCH)
    ends.line.get_buffer(-1)[: len(said)] = said
    ends.line.buffer_updated(len(said))
    ends.line.get_buffer(-1)[: len(said)] = bytes(len(said))
    crossing.resume_writing()
    assert ends.endpoint.written == b"a" * MUCH


# ---- where the endpoint's bytes are worked on --------------------------------------------------------------


async def test_what_is_taken_out_of_an_endpoints_bytes_does_not_reach_the_viewer(ends: Ends) -> None:
    ends.upstream.data_received(b"a secret")
    crossing = ends.cross(works=True)
    crossing.data_received(b"secret")
    crossing.data_received(b"picture")

    assert ends.viewer.written == binary_header(2) + b"a " + binary_header(7) + b"picture"


async def test_a_viewer_that_is_full_holds_such_an_endpoint_back_too(ends: Ends) -> None:
    ends.cross(works=True)
    ends.line.pause_writing()
    assert not ends.endpoint.reading
    ends.line.resume_writing()
    assert ends.endpoint.reading


@pytest.mark.parametrize("early", [True, False])
async def test_an_endpoint_that_cannot_be_followed_ends_it(ends: Ends, early: bool) -> None:
    if early:
        ends.upstream.data_received(b"no RFB")
    crossing = ends.cross(works=True)
    if not early:
        crossing.data_received(b"no RFB")
    crossing.data_received(b"picture")
    ends.line.data_received(frame(2, b"key"))

    with pytest.raises(RemoteProtocolError):
        await crossing.finished()
    assert (ends.viewer.written, ends.endpoint.written) == (b"", b"")
    assert not ends.endpoint.reading
