"""A viewer's line and its endpoint, wired crosswise: bytes pass in the callbacks of the transports, without a task.

Whichever end takes no more holds the other one back, so that no more than a chunk waits in between.
"""

from __future__ import annotations

from collections.abc import Callable

from remote_service.relay.flag import Flag
from remote_service.relay.inflow import Hold
from remote_service.relay.line import MOST_UNSENT, Line
from remote_service.relay.outflow import Outflow
from remote_service.relay.scratch import ScratchReader
from remote_service.relay.upstream import Upstream
from remote_service.rfb.buffer import Data
from remote_service.rfb.errors import RemoteProtocolError


class Crossing(ScratchReader):
    """The endpoint's side of it; `Line` is the viewer's."""

    def __init__(
        self,
        line: Line,
        upstream: Upstream,
        *,
        up: Callable[[bytes], bytes],
        down: Callable[[Data], Data],
        works: bool = False,
    ) -> None:
        """Takes both ends over; what has been read of them already passes first.

        Args:
            line: the viewer's.
            upstream: the endpoint's connection.
            up: what of the viewer's bytes reaches the endpoint; may raise RemoteProtocolError.
            down: what of the endpoint's bytes reaches the viewer, themselves when that are all of them; may raise
                RemoteProtocolError.
            works: whether `down` takes its time, and needs a brake.
        """
        self._line = line
        self._upstream = upstream
        self._up = up
        self._down = down
        self._pieces: list[bytes] = []
        self._stopped = False
        self._hung_up = False
        self._error: RemoteProtocolError | None = None
        self._over = Flag()
        self._outflow: Outflow | None = None
        self._transport, unread = upstream.hand_over(self)
        self._transport.set_write_buffer_limits(high=MOST_UNSENT)
        if works:
            self._outflow = Outflow(self._transport, look=down, give=line.write, fail=self._failed)
        if unread:
            self.data_received(unread)
        if not self._stopped:
            line.hand_to(self)

    async def finished(self) -> None:
        """Returns when the endpoint has hung up; nothing passes any more from then on, or once this is cancelled.

        Raises:
            RemoteProtocolError: the endpoint does not speak RFB where it must.
        """
        try:
            await self._over.wait()
        finally:
            self._stop()
        if self._error is not None:
            raise self._error

    def _stop(self) -> None:
        self._stopped = True
        if self._outflow is not None:
            self._outflow.stop()
        self._line.hand_to(None)
        if not self._hung_up:
            self._transport.pause_reading()

    def _failed(self, error: RemoteProtocolError) -> None:
        self._error = error
        self._over.set()
        self._stop()

    # ---- the endpoint -----------------------------------------------------------------------------------

    def data_received(self, data: Data) -> bool:
        """Bytes of the endpoint; returns whether the viewer has not taken all of them yet."""
        if self._outflow is not None:
            return self._outflow.feed(data)
        return not self._stopped and self._line.write(self._down(data))

    def connection_lost(self, exc: Exception | None) -> None:
        """The endpoint has hung up."""
        self._hung_up = True
        self._over.set()
        self._upstream.connection_lost(exc)
        self._line.release(Hold.ENDPOINT)

    def pause_writing(self) -> None:
        """Enough waits for the endpoint."""
        self._line.hold(Hold.ENDPOINT)

    def resume_writing(self) -> None:
        """The endpoint has caught up."""
        self._line.release(Hold.ENDPOINT)

    # ---- the viewer -------------------------------------------------------------------------------------

    def from_viewer(self, piece: bytes) -> None:
        """Bytes of the viewer; raises what `up` raises about them."""
        if passed := self._up(piece):
            self._pieces.append(passed)

    def flush(self) -> None:
        """Sends what came of the viewer in one go."""
        pieces = self._pieces
        if not pieces:
            return
        self._pieces = []
        if not self._hung_up:
            self._transport.writelines(pieces)

    def viewer_full(self) -> None:
        """Enough waits for the viewer."""
        if self._outflow is not None:
            self._outflow.viewer_full()
        else:
            self._transport.pause_reading()

    def viewer_drained(self) -> None:
        """The viewer has caught up."""
        if self._outflow is not None:
            self._outflow.viewer_drained()
        elif not self._stopped:
            self._transport.resume_reading()
