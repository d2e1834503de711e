"""A line between browser and server that can be cut and mended: a TCP proxy that knows nothing of what it passes on."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

_CHUNK = 1 << 16


class Line:
    """Listens at a port of its own and passes every connection on to the server's."""

    def __init__(self, server_port: int) -> None:
        """Opens the line."""
        self.server_port = server_port
        """May be changed: a server that is started again has another port."""
        self.bad_gateway = False
        """Whether the line answers for a server that is not there, as a front proxy does."""
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._run(self._accept, self._listener)

    @property
    def url(self) -> str:
        """Where the browser finds the site."""
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Tears all connections without a goodbye, and refuses new ones."""
        _end(self._listener)
        with self._lock:
            for connection in self._open:
                _end(connection)
            self._open.clear()

    def mend(self) -> None:
        """Accepts connections again."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._run(self._accept, self._listener)

    def close(self) -> None:
        """Cuts it for good, and waits for the threads."""
        self.cut()
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive(), f"{thread.name} did not end"

    def _run(self, target: object, *arguments: socket.socket) -> None:
        assert callable(target)
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):  # the listener is shut when the line is cut
            while True:
                near, _ = listener.accept()
                far = self._connect(near)
                if far is not None:
                    self._run(self._pump, near, far)
                    self._run(self._pump, far, near)

    def _connect(self, near: socket.socket) -> socket.socket | None:
        try:
            far = socket.create_connection(("127.0.0.1", self.server_port), timeout=5)
        except OSError:
            with suppress(OSError):
                if self.bad_gateway and near.recv(_CHUNK):
                    near.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            near.close()
            return None
        far.settimeout(None)
        with self._lock:
            self._open |= {near, far}
        return far

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


def _end(connection: socket.socket) -> None:
    # Closing alone would not wake a thread that waits in it.
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
