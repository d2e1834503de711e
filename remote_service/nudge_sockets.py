"""Nudges between the processes of one machine, where no channel layer joins them: a datagram to each that listens."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from remote_service.hosting.wire import short_path

_MOST = 200
"""Bytes of a nudge: a session's id and a sender's, or nothing."""
_numbers = itertools.count(1)


def post(folder: Path, group: str, about: str, sender: str = "") -> None:
    """Sends a nudge to whoever listens; one that has much to read already looks anyway.

    Args:
        folder: where they listen.
        group: whom it is for.
        about: a session's id, or empty.
        sender: for those who need not hear of what they did themselves; without blanks.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sending:
        for path in folder.glob(f"{group}.*"):
            try:
                with short_path(path) as name:
                    sending.sendto(f"{about} {sender}".encode(), name)
            except ConnectionRefusedError:  # who listened there was killed
                path.unlink(missing_ok=True)
            except (BlockingIOError, FileNotFoundError):
                continue


def _clear(folder: Path, group: str) -> None:
    """Removes what killed processes left; who is nudged seldom would leave it for long."""
    for path in folder.glob(f"{group}.*"):
        pid = path.name.split(".")[1]
        if not Path("/proc", pid).exists():
            path.unlink(missing_ok=True)


@contextmanager
def listening(folder: Path, group: str, hear: Callable[[str, str], None]) -> Iterator[None]:
    """Calls `hear` with what every nudge is about, and who sent it; clears away what predecessors left.

    Raises:
        OSError: it cannot be listened there.
    """
    loop = asyncio.get_running_loop()
    _clear(folder, group)
    path = folder / f"{group}.{os.getpid()}.{next(_numbers)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as receiver:

        def receive() -> None:
            with suppress(BlockingIOError):
                while True:
                    about, _blank, sender = receiver.recv(_MOST).decode().partition(" ")
                    hear(about, sender)

        with short_path(path) as name:
            receiver.bind(name)
        loop.add_reader(receiver, receive)
        try:
            yield
        finally:
            loop.remove_reader(receiver)
            path.unlink(missing_ok=True)
