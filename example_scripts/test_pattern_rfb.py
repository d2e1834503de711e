"""The test pattern's RFB server: a Unix socket, one thread that accepts, one thread for each viewer.

A viewer that reads slowly, or not at all, blocks its own thread only; while nobody asks, nothing runs.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from pathlib import Path

from test_pattern_board import Board
from test_pattern_protocol import ProtocolError
from test_pattern_viewer import HungUpError, Viewer

MAX_VIEWERS = 32
STOP_TIMEOUT = 1.0
"""Seconds that `PatternServer.stop` waits for its threads."""


class PatternServer:
    """Serves one board to any number of viewers at once, all with the same rights."""

    def __init__(self, board: Board, name: str, path: Path, log: logging.Logger) -> None:
        """Nothing is opened yet.

        Args:
            board: what is to be seen.
            name: the desktop's name that viewers are told.
            path: where the socket shall be, in a directory that only this user may enter.
            log: says who came and went.
        """
        self._board = board
        self._name = name
        self._path = path
        self._log = log
        self._listener = socket.socket(socket.AF_UNIX)
        self._lock = threading.Lock()
        self._viewers: dict[socket.socket, threading.Thread] = {}
        self._stopped = False
        self._acceptor = threading.Thread(target=self._accept, name="test pattern", daemon=True)

    def start(self) -> None:
        """Listens, with mode 0600, and returns at once.

        Raises:
            OSError: the socket cannot be made.
        """
        self._listener.bind(str(self._path))
        self._path.chmod(0o600)
        self._listener.listen(16)
        self._acceptor.start()

    def stop(self) -> None:
        """Hangs up on everybody and waits, at most `STOP_TIMEOUT`, until the threads have ended."""
        deadline = time.monotonic() + STOP_TIMEOUT
        with self._lock:
            self._stopped = True
            viewers = dict(self._viewers)
        for connection in (self._listener, *viewers):
            _shut(connection)
        for thread in (self._acceptor, *viewers.values()):
            thread.join(max(deadline - time.monotonic(), 0.01))
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError as error:
                if not self._stopped:
                    self._log.error("the test pattern accepts no more viewers: %s", error)
                    self._listener.close()  # so that it is seen to listen no more, and the session ends
                return
            thread = threading.Thread(target=self._serve, args=(connection,), name="viewer", daemon=True)
            with self._lock:
                full = len(self._viewers) >= MAX_VIEWERS
                if not (full or self._stopped):
                    self._viewers[connection] = thread
                    thread.start()
                    continue
            if full:
                self._log.warning("the test pattern has %d viewers already; refused another one", MAX_VIEWERS)
            connection.close()

    def _serve(self, connection: socket.socket) -> None:
        try:
            Viewer(connection, self._board).serve(self._name)
        except HungUpError:
            self._log.info("a viewer left")
        except (OSError, ProtocolError) as error:
            self._log.info("a viewer was dropped: %s", error)
        finally:
            with self._lock:
                del self._viewers[connection]
            connection.close()


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it was gone already
