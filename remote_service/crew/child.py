"""One process of a crew: what it is told at its start, and when it ends. No Django."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)

_UNWRITABLE = frozenset({errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EACCES})


@dataclass(frozen=True, slots=True)
class Order:
    """What whoever keeps the crew tells a process by a line on its standard input: no secret stands in an argv."""

    told: dict[str, Any]
    ready_at: int
    """The descriptor to which it says that it is ready."""

    def ready(self) -> None:
        """It does its work from now on."""
        os.write(self.ready_at, b"\n")
        os.close(self.ready_at)


def read_order() -> Order:
    """Reads it; the standard input stays open, since its end is the end of whoever started this process.

    Raises:
        ValueError: nobody told us anything.
    """
    line = sys.stdin.buffer.readline()
    if not line:
        raise ValueError("there is no order on the standard input; this process is started by manage.py serve")
    told = json.loads(line)
    return Order(told, int(told["ready_at"]))


@contextmanager
def needing_the_state_directory() -> Iterator[None]:
    """Ends the process with one line, and no traceback, when its body fails since nothing can be written there."""
    try:
        yield
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        log.error(
            "the state directory cannot be written, where this process has its sockets: %s. See that it is mounted for "
            "writing, has room and belongs to the server's account; then the process starts by itself",
            error,
        )
        sys.exit(1)


def stopped() -> asyncio.Event:
    """An event that SIGTERM sets, or the death of whoever started this process; other signals are that one's."""
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ending.set)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    on_orphaned(ending.set)
    return ending


def on_orphaned(act: Any) -> None:
    """Calls `act` when whoever started this process has died."""
    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()

    def hear() -> None:
        if not os.read(descriptor, 4096):
            loop.remove_reader(descriptor)
            act()

    loop.add_reader(descriptor, hear)
