"""Listens at a Unix socket, and hands who connects on to an abstract one; both are named on the command line."""

from __future__ import annotations

import socket
import sys


def main() -> None:
    """Serves for ever."""
    path, taker_name = sys.argv[1:]
    with socket.socket(socket.AF_UNIX) as taker, socket.socket(socket.AF_UNIX) as listener:
        taker.connect(f"\0{taker_name}")
        listener.bind(path)
        listener.listen(1000)
        while True:
            viewer, _address = listener.accept()
            with viewer:
                socket.send_fds(taker, [b"."], [viewer.fileno()])


if __name__ == "__main__":
    main()
