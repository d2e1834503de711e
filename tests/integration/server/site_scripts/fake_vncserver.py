"""A stand-in for `vncserver :PORT` and `vncserver -kill :PORT`: detaches itself, says its banner to who connects."""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Starts one, or kills it."""
    port = int(arguments[-1].removeprefix(":"))
    pid_file = Path(tempfile.gettempdir(), f"fake-vncserver-{port}.pid")
    if arguments[0] == "-kill":
        if not pid_file.exists():
            print(f"no server for {arguments[-1]}", file=sys.stderr)
            return 1
        os.kill(int(pid_file.read_text()), signal.SIGKILL)
        pid_file.unlink()
        return 0
    listener = socket.create_server(("127.0.0.1", port))
    if os.fork():
        return 0
    os.setsid()
    if os.fork():
        os._exit(0)
    pid_file.write_text(str(os.getpid()))
    serve(listener)
    return 0


def serve(listener: socket.socket) -> None:
    """Says the banner and keeps the connection."""
    kept = []
    while True:
        connection, _ = listener.accept()
        connection.sendall(b"RFB 003.008\n")
        kept.append(connection)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
