"""One TCP socket looked up in the kernel, instead of read out of a table of all (sock_diag(7)).

A machine with ten thousand connections needs 10 ms for its table; a viewer's line must not wait for that.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress

from remote_service.hosting.tcp_table import Place, TcpSocket, plain

_NETLINK_SOCK_DIAG = 4
_BY_FAMILY, _ERROR, _REQUEST = 20, 2, 1
_ANY_STATE = 0xFFFFFFFF
_NO_COOKIE = 0xFFFFFFFF
_HEADER = struct.Struct("=IHHII")
"""nlmsghdr: length, type, flags, sequence number, port."""
_ASKED = struct.Struct("=BBxxI")
"""inet_diag_req_v2 before its inet_diag_sockid: family and protocol, states."""
_SOCKET = struct.Struct("!HH16s16s")
"""inet_diag_sockid before its interface and its cookie: ports and addresses of both ends."""
_FOUND = struct.Struct("=BBxx")
"""inet_diag_msg before its inet_diag_sockid: family and state."""
_SOCKET_SIZE = 48
_OWNER = struct.Struct("=12xII")
"""inet_diag_msg behind it: uid and inode."""


def look_up(local: Place, remote: Place) -> Iterator[TcpSocket]:
    """Who listens at `local`, and then that end of the connection with `remote`, as far as there are such sockets.

    Raises:
        OSError: the kernel does not tell.
    """
    nobody = ("::" if ":" in local[0] else "0.0.0.0", 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(1.0)
        with suppress(FileNotFoundError):
            yield _asked(kernel, local, nobody)
        yield _asked(kernel, local, remote)


def _asked(kernel: socket.socket, local: Place, remote: Place) -> TcpSocket:
    family = socket.AF_INET6 if ":" in local[0] else socket.AF_INET
    ends = _SOCKET.pack(
        local[1], remote[1], *(socket.inet_pton(family, end[0]).ljust(16, b"\0") for end in (local, remote))
    )
    asked = _ASKED.pack(family, socket.IPPROTO_TCP, _ANY_STATE) + ends + struct.pack("=III", 0, _NO_COOKIE, _NO_COOKIE)
    kernel.send(_HEADER.pack(_HEADER.size + len(asked), _BY_FAMILY, _REQUEST, 0, 0) + asked)
    return _answered(kernel.recv(8192))


def _answered(answer: bytes) -> TcpSocket:
    kind, body = _HEADER.unpack_from(answer)[1], answer[_HEADER.size :]
    if kind == _ERROR:
        number = -struct.unpack_from("=i", body)[0]
        raise OSError(number, os.strerror(number))
    family, state = _FOUND.unpack_from(body)
    local_port, remote_port, local, remote = _SOCKET.unpack_from(body, _FOUND.size)
    uid, inode = _OWNER.unpack_from(body, _FOUND.size + _SOCKET_SIZE)
    size = 16 if family == socket.AF_INET6 else 4
    ends = [plain(socket.inet_ntop(family, address[:size])) for address in (local, remote)]
    return TcpSocket((ends[0], local_port), (ends[1], remote_port), f"{state:02X}", uid, inode)
