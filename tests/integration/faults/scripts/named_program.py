"""A program for `named_session.py` to start: `named_program.py PORT` prints what it gets there, and sends it back."""

from __future__ import annotations

import socketserver
import sys


class Echo(socketserver.BaseRequestHandler):
    """One client."""

    def handle(self) -> None:
        """Sends back until it hangs up."""
        while data := self.request.recv(65536):
            print(data.decode(errors="replace"), end="", flush=True)
            self.request.sendall(data)


class Server(socketserver.ThreadingTCPServer):
    """All of them."""

    daemon_threads = True
    allow_reuse_address = True


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Echo).serve_forever()
