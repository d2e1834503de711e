"""The runner's side of its worker: forks it, calls it, hears it, ends it, and notices when it has died."""

from __future__ import annotations

import os
import select
import selectors
import signal
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, NoReturn

from remote_service.config.script_report import how_it_ended
from remote_service.hosting import processes
from remote_service.hosting.session_log import SessionLog
from remote_service.hosting.wire import Channel, Message, WireError
from remote_service.hosting.worker import INTERRUPT_SIGNAL

LEAVE_PATIENCE = 0.25
"""Seconds that a worker has to leave by itself when it is not needed any more."""
SEND_PATIENCE = 2.0
"""Seconds that a worker has to take in the order for a call."""


class WorkerLink:
    """The line to the worker in force, on a selector whose keys hold what to call."""

    def __init__(
        self, selector: selectors.BaseSelector, log: SessionLog, become: Callable[[socket.socket], NoReturn]
    ) -> None:
        """Forks nothing yet.

        Args:
            selector: the runner's.
            log: learns the secrets that the worker tells, and takes lines about what goes wrong.
            become: turns a fork of this process into a worker; never returns.
        """
        self._selector = selector
        self._log = log
        self._become = become
        self._pid = 0
        self._channel: Channel | None = None
        self._said: deque[Message] = deque()
        self._fork_failure = ""

    def fork(self) -> None:
        """Forks a worker; a fork that fails is reported by `death`, as if the worker had died at once."""
        ours, theirs = socket.socketpair()
        try:
            self._pid = os.fork()
        except OSError as error:
            # The script may have used up all processes that its account may have.
            self._fork_failure = f"fork failed: {error.strerror}"
            ours.close()
            theirs.close()
            return
        if self._pid == 0:
            ours.close()
            self._become(theirs)
        theirs.close()
        ours.setblocking(False)
        self._channel = Channel(ours)
        self._selector.register(self._channel, selectors.EVENT_READ, self.take_in)

    def call(self, call: str, arguments: dict[str, Any]) -> None:
        """Orders a call. A worker that cannot hear it any more has died, and `death` says so soon."""
        if self._channel is None:
            return
        with suppress(OSError):
            self._channel.sock.settimeout(SEND_PATIENCE)
            self._channel.send({"call": call, "arguments": arguments})
        self._channel.sock.setblocking(False)

    def interrupt(self) -> None:
        """Raises an exception inside the call that is running."""
        self._signal(INTERRUPT_SIGNAL)

    def take_in(self) -> None:
        """Reads what the worker has said. Secrets count at once, the rest waits for `heard`."""
        if self._channel is None:
            return
        try:
            messages = self._channel.receive_available()
        except WireError as error:
            self._log.line(f"the script's process sent what cannot be read, and is ended: {error}")
            self._signal(signal.SIGKILL)
            messages = None
        if messages is None:
            self._hang_up()
            return
        for message in messages:
            if secret := message.get("secret") or message.get("password"):
                self._log.keep_secret(secret)
        self._said += messages

    def heard(self) -> Iterator[Message]:
        """What the worker has said, in order."""
        while self._said:
            yield self._said.popleft()

    def death(self, ended: Iterable[tuple[int, int]]) -> str | None:
        """How the worker ended, when it is among the children that `processes.reap` fetched; else None."""
        if self._fork_failure:
            how, self._fork_failure = self._fork_failure, ""
            return how
        for pid, wait_status in ended:
            if pid == self._pid:
                self._pid = 0
                self._take_in_all()
                return how_it_ended(os.waitstatus_to_exitcode(wait_status))
        return None

    def end(self) -> None:
        """Ends the worker: an idle one leaves by itself when its channel closes, another one is killed.

        What it said before is kept, but for how its call ended: nobody waits for that any more.
        """
        pid, self._pid = self._pid, 0
        self._take_in_all()
        self._hang_up()
        self._said = deque(message for message in self._said if "done" not in message)
        if pid:
            held = os.pidfd_open(pid)
            if not processes.wait_for_one([held], LEAVE_PATIENCE):
                os.kill(pid, signal.SIGKILL)
            os.close(held)
            os.waitpid(pid, 0)

    def _take_in_all(self) -> None:
        """What was said with the last breath counts."""
        while self._channel is not None and select.select([self._channel], [], [], 0)[0]:
            self.take_in()

    def _signal(self, number: int) -> None:
        # The pid 0 would be this process and its whole group.
        if self._pid:
            os.kill(self._pid, number)

    def _hang_up(self) -> None:
        if self._channel is not None:
            self._selector.unregister(self._channel)
            self._channel.close()
            self._channel = None
