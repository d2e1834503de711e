"""Answers every 6 bytes with 50, at the Unix socket that is named on the command line; one viewer after the other."""

from __future__ import annotations

import socket
import sys

ASKED = 6
ANSWER = bytes(50)


def main() -> None:
    """Serves for ever."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(sys.argv[1])
        listener.listen()
        while True:
            viewer, _address = listener.accept()
            with viewer:
                while viewer.recv(ASKED):
                    viewer.sendall(ANSWER)


if __name__ == "__main__":
    main()
