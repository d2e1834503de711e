"""The log of a session type: what its script prints while it is loaded, and whatever its host says later.

The host writes into a pipe and not into the file: a script that prints without end at import must not fill the disk.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from remote_service.hosting.session_log import SessionLog

CAP = 2 * 1024 * 1024
"""Bytes a type's log may have, over all loads; a gap is marked where more was said."""
_CHUNK = 65536


class TypeLog:
    """A pipe whose other end is the file."""

    def __init__(self, path: Path, cap: int = CAP) -> None:
        """Opens the file, which is made when it is missing.

        Raises:
            OSError: it cannot be written, or there are no descriptors left.
        """
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            self._log = SessionLog(self._file, cap)
            # The caller closes its copy of `writer` once the host has it.
            self._read, self.writer = os.pipe()
        except OSError:
            os.close(self._file)
            raise
        os.set_blocking(self._read, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._read, self._take)
        self._open = True

    writer: int
    """The descriptor for the host's output; the caller closes its own copy once the host has it."""

    def _take(self) -> None:
        try:
            data = os.read(self._read, _CHUNK)
        except BlockingIOError:
            return
        try:
            self._log.write(data)
        except OSError:
            # The disk is full: what is printed is lost, which must not stop who prints.
            return
        finally:
            if not data:
                self.close()

    def close(self) -> None:
        """Writes what is still in the pipe and stops reading; whoever still writes there gets EPIPE."""
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._read)
        try:
            while data := os.read(self._read, _CHUNK):
                self._log.write(data)
            self._log.flush()
        except OSError:
            # Nothing more at the moment (BlockingIOError), or no room for it.
            pass
        finally:
            os.close(self._read)
            os.close(self._file)
