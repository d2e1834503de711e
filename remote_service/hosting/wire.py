"""How the processes talk: one JSON object a line, over Unix sockets, with descriptors beside it where needed."""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MAX_LINE = 4 * 1024 * 1024
"""Bytes of one message: more means that the peer is broken, not that a session has much to say."""

MAX_DESCRIPTORS = 4

_UCRED = struct.Struct("3i")
"""pid, uid and gid (unix(7), SO_PEERCRED)."""

Message = dict[str, Any]


class WireError(ConnectionError):
    """The peer sent what is not a message."""


def encode(message: Mapping[str, Any]) -> bytes:
    """One message as it goes over the wire."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


class Decoder:
    """Cuts a byte stream into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that `data` completes.

        Raises:
            WireError: a line is not a JSON object, or longer than `MAX_LINE`.
        """
        self._buffer += data
        messages = []
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            messages.append(parse(line))
        if len(self._buffer) > MAX_LINE:
            raise WireError(f"a message of more than {MAX_LINE} bytes; expected one JSON object a line")
        return messages


def parse(line: bytes) -> Message:
    """One message from its line.

    Raises:
        WireError: it is no JSON object.
    """
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise WireError(f"a line that is not JSON ({error}); expected one JSON object a line") from error
    if not isinstance(message, dict):
        raise WireError(f"a line that holds a {type(message).__name__}; expected one JSON object a line")
    return message


class Channel:
    """A blocking message channel over a connected socket, for the single-threaded processes."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._decoder = Decoder()
        self._ready: list[Message] = []
        self.descriptors: list[int] = []

    def fileno(self) -> int:
        """For selectors."""
        return self.sock.fileno()

    def send(self, message: Mapping[str, Any], descriptors: Sequence[int] = ()) -> None:
        """Sends one message whole, with descriptors on its first byte.

        Raises:
            OSError: the peer has gone.
        """
        data = encode(message)
        sent = socket.send_fds(self.sock, [data], list(descriptors)) if descriptors else 0
        self.sock.sendall(data[sent:])

    def receive_available(self) -> list[Message] | None:
        """One read: the messages it completed, or None when the peer has closed.

        Descriptors that came along wait in `descriptors`, in order.
        """
        try:
            data, descriptors, _flags, _address = socket.recv_fds(self.sock, 65536, MAX_DESCRIPTORS)
        except (BlockingIOError, InterruptedError):
            return []
        except ConnectionError:
            return None
        self.descriptors += descriptors
        return self._decoder.feed(data) if data else None

    def receive(self) -> Message | None:
        """Waits for one message; None when the peer has closed."""
        while not self._ready:
            messages = self.receive_available()
            if messages is None:
                return None
            self._ready += messages
        return self._ready.pop(0)

    def close(self) -> None:
        """Closes the socket and the descriptors nobody took."""
        self.sock.close()
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors.clear()


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """A name for `path` that fits into a socket address however deep its directory lies (unix(7): 107 bytes)."""
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def peer_of(connected: socket.socket) -> tuple[int, int]:
    """Pid and uid of the other end of a Unix socket, as they were when it connected, or began to listen."""
    pid, uid, _gid = _UCRED.unpack(connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return pid, uid


def listen_on(path: Path, *, replacing: bool = False) -> socket.socket:
    """A listening Unix socket of mode 0600.

    Args:
        path: where.
        replacing: takes the place of whatever has that name, which else is an error.

    Raises:
        OSError: there is no such directory, or it may not be written to; or the name is taken.
    """
    if replacing:
        path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        with short_path(path) as name:
            listener.bind(name)
        os.chmod(path, 0o600)
        listener.listen(8)
    except OSError:
        listener.close()
        raise
    return listener
