"""Where audit lines go: to a file or to syslog. Nobody waits for them, and what cannot be written ends nothing.

Lines that are lost, because the disk is full for instance, are counted; the server's log says so when it begins, and
how many they were when it is over.
"""

from __future__ import annotations

import logging
import os
import socket
from io import TextIOWrapper
from logging.handlers import WatchedFileHandler

log = logging.getLogger(__name__)

SYSLOG = "syslog"
SOCKET = "/dev/log"
PRIORITY = 10 * 8 + 6
"""Facility authpriv, severity informational (RFC 5424, section 6.2.1)."""
IDENT = "remote-session"


class Losses:
    """Counts what could not be written, and tells of it without end."""

    def __init__(self, where: str) -> None:
        """Nothing is lost yet; `where` lines go, for people."""
        self._where = where
        self._lost = 0

    def lost(self, error: OSError) -> None:
        """A line could not be written."""
        if not self._lost:
            log.error("audit lines cannot be written to %s and are lost: %s", self._where, error.strerror or error)
        self._lost += 1

    def written(self) -> None:
        """A line was."""
        if self._lost:
            log.warning("audit lines are written to %s again; %d were lost", self._where, self._lost)
            self._lost = 0


class AuditFile(WatchedFileHandler):
    """Appends to a file of mode 0600, to another one when that was moved away, as logrotate does.

    Each line is written by one call, so that several processes may have the same file.
    """

    def __init__(self, path: str) -> None:
        """Opens it when there is something to write: most commands have nothing."""
        super().__init__(path, delay=True)
        self._losses = Losses(path)
        self._torn = False
        """Whether the last line is there by half."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the line, or counts it as lost."""
        line = f"{self.format(record)}\n".encode()
        try:
            self.reopenIfNeeded()
            if self.stream is None:
                self.stream = self._open()
            whole = b"\n" + line if self._torn else line
            self._torn = os.write(self.stream.fileno(), whole) < len(whole)
        except OSError as error:
            self._losses.lost(error)
        else:
            self._losses.written()

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding="utf-8", opener=_open_privately)


def _open_privately(path: str, flags: int) -> int:
    # Something else than a file, such as a pipe that nobody reads, must not hold anybody up.
    return os.open(path, flags | os.O_NONBLOCK, 0o600)


class AuditSyslog(logging.Handler):
    """Sends to the machine's syslog, without waiting for it."""

    def __init__(self, path: str = SOCKET) -> None:
        """Prepares; `path` is the socket at which it listens."""
        super().__init__()
        self._path = path
        self._losses = Losses("syslog")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def emit(self, record: logging.LogRecord) -> None:
        """Sends the line, or counts it as lost."""
        message = f"<{PRIORITY}>{IDENT}[{os.getpid()}]: {self.format(record)}"
        try:
            self._socket.sendto(message.encode(), self._path)
        except OSError as error:
            self._losses.lost(error)
        else:
            self._losses.written()

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()
        super().close()


def audit_handler(where: str) -> logging.Handler:
    """The handler for the value of REMOTE_SERVICE_AUDIT."""
    return AuditSyslog() if where == SYSLOG else AuditFile(where)
