"""Answers every 6 bytes with 50, at the port or the Unix socket that is named; one viewer after the other."""

from __future__ import annotations

import socket
import sys

ASKED = 6
ANSWER = bytes(50)


def listening(address: str) -> socket.socket:
    """A port's number, or a path."""
    if address.isdigit():
        return socket.create_server(("127.0.0.1", int(address)))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    return listener


def main() -> None:
    """Serves for ever."""
    with listening(sys.argv[1]) as listener:
        while True:
            viewer, _address = listener.accept()
            with viewer:
                if viewer.family != socket.AF_UNIX:
                    viewer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while viewer.recv(ASKED):
                    viewer.sendall(ANSWER)


if __name__ == "__main__":
    main()
