"""A buffer that transports read into, one after the other: what they read is mostly gone before the next one reads.

uvloop reads into a buffer of its own otherwise, and copies what came out of it.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod

from remote_service.rfb.buffer import Data

SIZE = 512 * 1024
"""Bytes that are read in one go: the more they are, the less often anybody is woken for them."""
WORTH_LENDING = 32 * 1024
"""Bytes from which on the buffer is left to whoever has to keep them; fewer are copied, which takes less memory."""


class _Scratch(threading.local):
    """One buffer for all transports of a thread, and so of an event loop."""

    def __init__(self) -> None:
        self.room = memoryview(bytearray(SIZE))


_scratch = _Scratch()


class ScratchReader(asyncio.BufferedProtocol, ABC):
    """A protocol that reads into the scratch buffer."""

    @abstractmethod
    def data_received(self, data: Data) -> bool:
        """Something was read; returns whether `data` has to stay as it is, else it is soon written over."""

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where to read into."""
        return _scratch.room

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes were read."""
        if nbytes < WORTH_LENDING:
            self.data_received(bytes(_scratch.room[:nbytes]))
        elif self.data_received(_scratch.room[:nbytes]):
            _scratch.room = memoryview(bytearray(SIZE))
