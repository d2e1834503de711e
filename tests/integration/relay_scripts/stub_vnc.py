"""A VNC server that shows no picture: it shakes hands as its options say, and then sends back what a viewer sends.

version     the RFB version that it speaks: "003.003", "003.007" or "003.008"
password    with one it asks for it (VNC Authentication), without it lets everybody in
demand      another security type to offer, which nobody here can do
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from remote_service import RemoteServiceScript

CHALLENGE = bytes(range(100, 116))
SCREEN = struct.pack("!HH", 64, 48) + bytes.fromhex("20 18 00 01 00ff 00ff 00ff 10 08 00 000000") + b"\0\0\0\4stub"


class StubServer(RemoteServiceScript):
    """One such server."""

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """Listens on a port of the loopback interface."""
        listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        self.set_host_port("127.0.0.1", listener.getsockname()[1], self.common_options.get("password"))
        return True

    def stop(self) -> bool:
        """It ends with its process."""
        return True

    def _accept(self, listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream, suppress(OSError):
            version = self.common_options["version"]
            connection.sendall(f"RFB {version}\n".encode())
            assert stream.read(12) == f"RFB {version}\n".encode(), "the gateway answers with the server's version"
            kind = self.common_options.get("demand") or (2 if self.common_options.get("password") else 1)
            if version == "003.003":
                connection.sendall(struct.pack("!I", kind))
            else:
                connection.sendall(bytes([1, kind]))
                assert stream.read(1) == bytes([kind])
            if kind == 2:
                connection.sendall(CHALLENGE)
                assert stream.read(16) == answer(self.common_options["password"]), "the password is wrong"
            if kind == 2 or version == "003.008":
                connection.sendall(bytes(4))
            shared = stream.read(1)
            connection.sendall(SCREEN)
            connection.sendall(shared)
            while data := stream.read1(65536):
                connection.sendall(data)


def answer(password: str) -> bytes:
    """What a client that knows the password answers to the challenge (RFC 6143 section 7.2.2)."""
    key = bytes(int(f"{byte:08b}"[::-1], 2) for byte in password.encode()[:8].ljust(8, b"\0"))
    encryptor = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()
    return encryptor.update(CHALLENGE) + encryptor.finalize()


def realize_service(
    name: str = "", count: int = 1, index: int = 0, common_options: Mapping[str, Any] | None = None
) -> RemoteServiceScript:
    """Called once for each slot."""
    return StubServer(name, count=count, index=index, common_options=common_options)
