"""A program for `program_session.py` to start: `raw_program.py SOCKET MODE`.

echo    sends back what it gets; "quit" alone ends it
greet   sends a megabyte to who connects, then does as echo does
flood   sends for as long as somebody takes it, and reads nothing
sink    reads nothing and says nothing but "open"
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from contextlib import suppress

MEGABYTE = bytes(range(256)) * 4096


def echo(connection: socket.socket) -> None:
    """Sends back what it gets."""
    while data := connection.recv(65536):
        if data == b"quit":
            os._exit(0)
        connection.sendall(data)


def greet(connection: socket.socket) -> None:
    """Speaks first, and much."""
    connection.sendall(MEGABYTE)
    echo(connection)


def flood(connection: socket.socket) -> None:
    """Sends for as long as somebody takes it."""
    while True:
        connection.sendall(MEGABYTE)


def sink(connection: socket.socket) -> None:
    """Says one word and reads nothing."""
    connection.sendall(b"open")
    threading.Event().wait()


def main(path: str, mode: str) -> None:
    """Serves everybody who connects, each from a thread; a path that is a number is a port."""
    serve = {"echo": echo, "greet": greet, "flood": flood, "sink": sink}[mode]

    def guarded(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            serve(connection)

    if path.isdigit():
        listener = socket.create_server(("127.0.0.1", int(path)))
    else:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=guarded, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
