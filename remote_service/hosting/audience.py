"""The supervisors that are connected to a runner: each hears every status, and the latest may order.

There is one at a time, but for a takeover. Each order names the epoch of who gives it; once a later one has ordered
something, an earlier one is refused and hung up on, whatever it missed while it was paused.
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable
from contextlib import suppress

from remote_service.hosting.status import Status
from remote_service.hosting.wire import Channel, Message, WireError

TELL_PATIENCE = 2.0
"""Seconds that a supervisor has to take a status in; one that is stopped must not stop the runner."""


class Audience:
    """Accepts supervisors at a listening socket, on a selector whose keys hold what to call."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        listener: socket.socket,
        *,
        status: Callable[[], Status],
        obey: Callable[[Message], None],
        complain: Callable[[str], None],
    ) -> None:
        """Begins to accept.

        Args:
            selector: the runner's.
            listener: where supervisors connect.
            status: what a new one is told at once.
            obey: takes each order.
            complain: takes a line about a supervisor that sent rubbish.
        """
        self._selector = selector
        self._listener = listener
        self._status = status
        self._obey = obey
        self._complain = complain
        self._supervisors: list[Channel] = []
        self._epoch = 0
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ, self._accept)

    def tell(self) -> None:
        """Sends the status to all of them."""
        for channel in list(self._supervisors):
            self._tell(channel)

    def _accept(self) -> None:
        with suppress(BlockingIOError):
            connection, _address = self._listener.accept()
            connection.settimeout(TELL_PATIENCE)
            channel = Channel(connection)
            self._supervisors.append(channel)
            self._selector.register(channel, selectors.EVENT_READ, lambda: self._hear(channel))
            self._tell(channel)

    def _hear(self, channel: Channel) -> None:
        if channel not in self._supervisors:
            # It was dropped earlier in the same round of the runner's loop.
            return
        try:
            messages = channel.receive_available()
        except WireError as error:
            self._complain(f"a supervisor sent what cannot be read: {error}")
            messages = None
        if messages is None:
            self._drop(channel)
            return
        for message in messages:
            epoch = message.get("epoch", 0)
            if epoch < self._epoch:
                self._complain(
                    f"an order of the epoch {epoch} is refused: a supervisor of {self._epoch} has taken over"
                )
                self._drop(channel)
                return
            self._epoch = epoch
            self._obey(message)

    def _tell(self, channel: Channel) -> None:
        try:
            channel.send({"status": self._status().as_dict()})
        except OSError:
            self._drop(channel)

    def _drop(self, channel: Channel) -> None:
        self._supervisors.remove(channel)
        self._selector.unregister(channel)
        channel.close()
