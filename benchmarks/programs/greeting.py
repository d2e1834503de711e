"""Says the first words of VNC (RFC 6143 section 7.1.1) to whoever connects to the port that is named."""

from __future__ import annotations

import socket
import socketserver
import sys

BANNER = b"RFB 003.008\n"


class Greeting(socketserver.BaseRequestHandler):
    """One connection, in a thread of its own."""

    def handle(self) -> None:
        """Greets, and waits for the other end to go."""
        connection: socket.socket = self.request
        try:
            connection.sendall(BANNER)
            while connection.recv(4096):
                pass
        except ConnectionError:
            return


class Greetings(socketserver.ThreadingTCPServer):
    """All of them."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    with Greetings(("127.0.0.1", int(sys.argv[1])), Greeting) as server:
        server.serve_forever()
