"""Whether something listens at an endpoint, found out without connecting to it where that is possible.

A connection that hangs up before it logs in counts as an attack at a VNC server, and a dozen of them lock the next
viewer out. So local endpoints are looked up in `/proc/net` (proc(5)); only another host's is connected to, once.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from pathlib import Path

from remote_service.endpoints import Endpoint, EndpointKind
from remote_service.hosting.tcp_table import ANY_ADDRESS, tcp_sockets

PROC_NET = Path("/proc/net")
_UNIX_LINE = re.compile(r"[0-9a-fA-F]+: [0-9A-F]{8} [0-9A-F]{8} (?P<flags>[0-9A-F]{8}) \S+ \S+ +[0-9]+ (?P<path>.+)")
_UNIX_ACCEPTING = 0x10000


def tcp_listeners(lines: Iterable[str], *, ipv6: bool) -> set[tuple[str, int]]:
    """The (address, port) pairs that listen, out of the lines of `/proc/net/tcp` or `tcp6`."""
    return {found.local for found in tcp_sockets(lines, ipv6=ipv6) if found.listens}


def unix_listeners(lines: Iterable[str]) -> set[str]:
    """The paths of Unix sockets that accept connections, out of the lines of `/proc/net/unix`.

    A path may hold line breaks, and anybody may bind one: lines that are none are passed over.
    """
    found = set()
    for line in lines:
        fields = _UNIX_LINE.match(line)
        if fields is not None and int(fields["flags"], 16) & _UNIX_ACCEPTING:
            found.add(fields["path"])
    return found


def addresses_of(host: str) -> list[str]:
    """The addresses of a host name, empty when it cannot be resolved or is none (such as "a..b")."""
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, ValueError):
        return []
    return sorted({str(answer[4][0]) for answer in answers})


def is_local(address: str) -> bool:
    """Whether the address is one of this machine's: loopback, or one that can be bound."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if ip.is_loopback:
        return True
    family = socket.AF_INET6 if ip.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def listens_locally(endpoint: Endpoint) -> bool | None:
    """Whether something on this machine listens at the endpoint; None when the endpoint is another machine's.

    A terminal's command has nothing that listens: it is always ready.
    """
    if endpoint.kind is EndpointKind.TERMINAL:
        return True
    if endpoint.kind is EndpointKind.UNIX:
        with (PROC_NET / "unix").open(encoding="utf-8", errors="surrogateescape") as lines:
            return endpoint.path in unix_listeners(lines)
    local = [address for address in addresses_of(endpoint.host) if is_local(address)]
    if not local:
        return None
    listeners = _local_tcp_listeners()
    return any((address, endpoint.port) in listeners for address in {*local, *ANY_ADDRESS})


def listens(endpoint: Endpoint, *, connect_timeout: float = 1.0) -> bool:
    """Whether the endpoint can be connected to now; asks another host by one connection.

    Args:
        endpoint: what the script named.
        connect_timeout: seconds for that connection.
    """
    local = listens_locally(endpoint)
    if local is not None:
        return local
    return any(_accepts(a, endpoint.port, connect_timeout) for a in addresses_of(endpoint.host))


def _local_tcp_listeners() -> set[tuple[str, int]]:
    found: set[tuple[str, int]] = set()
    for name, ipv6 in (("tcp", False), ("tcp6", True)):
        path = PROC_NET / name
        if path.exists():
            found |= tcp_listeners(path.read_text().splitlines(), ipv6=ipv6)
    return found


def _accepts(address: str, port: int, timeout: float) -> bool:
    try:
        with socket.create_connection((address, port), timeout=timeout):
            return True
    except OSError:
        return False
