"""Both ends of a relayed VNC connection: a server that sends what was recorded, and viewers that shake hands.

A FramebufferUpdateRequest, which passes under any policy, is the order: of the recording with the number `x` the server
sends `width` times all of it, and then a Bell. With no width the Bell says that all before has come.

    python -m benchmarks.rfb_ends PORT FOLDER
"""

from __future__ import annotations

import socket
import socketserver
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.product import PROJECT
from benchmarks.recording import Recording
from benchmarks.relay_ends import Viewer

BANNER, NONE, SHARED = b"RFB 003.008\n", b"\1", b"\1"
RESULT = bytes(4)
BELL = b"\2"
_ORDER = struct.Struct("!BBHHHH")
_REQUEST = 3


class RfbViewer(Viewer):
    """Behind its handshake."""

    def __init__(self, port: int, recording: Recording) -> None:
        """Connects and logs in: whether the relay or the server asks does not matter to it."""
        super().__init__(port)
        for asked, answer in ((BANNER, BANNER), (NONE + NONE, NONE), (RESULT, SHARED)):
            self.receive(len(asked))
            self.send(answer)
        self.receive(len(recording.init))
        self._recordings = list(recording.updates.values())

    def watch(self, number: int, times: int) -> int:
        """Takes a recording in so many times; returns how many bytes that were."""
        size = len(self._recordings[number]) * times
        self.send(_ORDER.pack(_REQUEST, 1, number, 0, times, 1))
        self.receive(size + len(BELL))
        return size

    def settle(self) -> None:
        """Returns when the server has all that was sent."""
        self.watch(0, 0)


# ---- the server, in a process of its own ---------------------------------------------------------------------


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__(("127.0.0.1", port), _Connection)
        self.init = (folder / "init").read_bytes()
        self.recordings = [path.read_bytes() for path in sorted(folder.glob("*.rfb"))]


class _Connection(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        """Shakes hands, then does what is ordered; an order comes alone, or is the last of what came."""
        connection: socket.socket = self.request
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for said, heard in ((BANNER, len(BANNER)), (NONE + NONE, 1), (RESULT, 1)):
                connection.sendall(said)
                connection.recv(heard, socket.MSG_WAITALL)
            connection.sendall(self.server.init)
            end = b""
            while data := connection.recv(1 << 16):
                end = (end + data)[-_ORDER.size :]
                if len(end) == _ORDER.size and end[0] == _REQUEST:
                    self._obey(connection, *_ORDER.unpack(end))
                    end = b""
        except ConnectionError:
            return

    def _obey(
        self, connection: socket.socket, _kind: int, _all: int, number: int, _y: int, times: int, _h: int
    ) -> None:
        for _ in range(times):
            connection.sendall(self.server.recordings[number])
        connection.sendall(BELL)


@contextmanager
def playing(port: int, recording: Recording) -> Iterator[None]:
    """Serves what was recorded at this port for the time of a block."""
    with tempfile.TemporaryDirectory(prefix="rsg-bench-") as name:
        folder = Path(name)
        (folder / "init").write_bytes(recording.init)
        for number, updates in enumerate(recording.updates.values()):
            (folder / f"{number}.rfb").write_bytes(updates)
        command = [sys.executable, "-m", "benchmarks.rfb_ends", str(port), name]
        with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                if process.stdout.readline() != "ready\n":
                    raise RuntimeError("the VNC server that plays recordings did not start")
                yield
            finally:
                process.kill()


def main(port: str, folder: str) -> None:
    """Serves until it is killed."""
    with _Server(int(port), Path(folder)) as server:
        print("ready", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
