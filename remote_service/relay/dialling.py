"""Connecting to a session's endpoint: nothing is sent or read before it is proved that it may be the session's.

A name is resolved once, each of its addresses is judged, and the address that passed is the one that is dialled. On
this machine, who serves the connection is then looked up by the connected socket itself.
"""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from remote_service import details
from remote_service.endpoints import Endpoint, EndpointKind
from remote_service.hosting.listening import is_local
from remote_service.networks import Address, dialled
from remote_service.relay.own_services import OwnService, Rules, own_path
from remote_service.relay.proof import Claim, ElsewhereError, EndpointRefusedError, Server, refusal
from remote_service.relay.servers import (
    gateway_pids,
    known_tcp_server,
    known_unix_server,
    tcp_servers,
    unix_server,
)
from remote_service.relay.upstream import Upstream


async def reach(endpoint: Endpoint, claim: Claim, rules: Rules, *, timeout: float) -> Upstream:
    """Connects to a session's endpoint.

    Args:
        endpoint: a TCP address or a Unix socket.
        claim: which session it is for.
        rules: the site's.
        timeout: seconds.

    Raises:
        ElsewhereError: it is on the machine where the session runs, and this is another one.
        EndpointRefusedError: it is not the session's, or where no session's may be; says why.
        OSError: it cannot be reached (a time-out is one too), or is no socket.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout):
            unix = endpoint.kind is EndpointKind.UNIX
            connected = await (_dial_unix if unix else _dial_tcp)(endpoint, claim, rules)
            with _closed_unless_done(connected):
                make = loop.create_unix_connection if unix else loop.create_connection
                _transport, upstream = await make(Upstream, sock=connected)
    except TimeoutError as error:
        raise TimeoutError(f"{endpoint} did not answer within {timeout:g} s") from error
    return upstream


# ---- TCP --------------------------------------------------------------------------------------------------


async def _dial_tcp(endpoint: Endpoint, claim: Claim, rules: Rules) -> socket.socket:
    """Tries the addresses in their order; somebody else's server at one of them keeps nobody from the others.

    A refusal says more than that nobody listens at another address.
    """
    refused: EndpointRefusedError | None = None
    failed: OSError | None = None
    for address in await _addresses(endpoint.host):
        try:
            return await _dial_address(endpoint, address, claim, rules)
        except EndpointRefusedError as error:
            refused = refused or error
        except OSError as error:
            failed = failed or error
    raise refused or failed or OSError(f"{endpoint.host} has no address")


async def _dial_address(endpoint: Endpoint, address: Address, claim: Claim, rules: Rules) -> socket.socket:
    local = is_local(str(address))
    named = await _is_named(endpoint.host, address, claim)
    where = str(endpoint) if str(address) == endpoint.host else f"{endpoint} ({address})"
    if claim.elsewhere and (address.is_loopback or (local and not named)):
        raise _is_elsewhere(claim)
    if why := rules.networks.refusal(address, local=local, named=named):
        raise EndpointRefusedError(f"{where} {why}.")
    if what := await _own_service(address, endpoint.port, rules.services, local=local):
        raise EndpointRefusedError(f"{where} is {what}.")
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    connected = await _connected(family, (str(address), endpoint.port))
    if not local:
        return connected
    with _closed_unless_done(connected):
        known = known_tcp_server(connected)
        servers = [known] if known else await asyncio.to_thread(_tcp_servers, connected, claim, rules)
        if not servers:
            raise ConnectionResetError("it hung up before it could be seen who it is")
        for server in servers:
            _judge(refusal(server, claim), where)
    return connected


def _tcp_servers(connected: socket.socket, claim: Claim, rules: Rules) -> list[Server]:
    return tcp_servers(connected, claim.account, gateway_pids(rules.state_dir))


async def _addresses(host: str) -> list[Address]:
    with suppress(ValueError):  # a name
        return [dialled(host)]
    loop = asyncio.get_running_loop()
    try:
        answers = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(dialled(str(answer[4][0])) for answer in answers))
    except ValueError as error:  # "a..b" is no name that can be asked for
        raise OSError(f"{host} cannot be resolved: {error}") from error


async def _is_named(host: str, address: Address, claim: Claim) -> bool:
    """Whether the session's type names the host, or one that has this address."""
    if host in claim.hosts:
        return True
    for name in claim.hosts:
        try:
            if address in await _addresses(name):
                return True
        except OSError:
            continue
    return False


async def _own_service(address: Address, port: int, services: tuple[OwnService, ...], *, local: bool) -> str:
    """What of the site listens there; on this machine by any of its addresses."""
    for service in services:
        if not service.path and service.port == port:
            try:
                found = await _addresses(service.host)
            except OSError:
                continue
            if address in found or (local and any(is_local(str(each)) for each in found)):
                return service.what
    return ""


# ---- Unix sockets -----------------------------------------------------------------------------------------


async def _dial_unix(endpoint: Endpoint, claim: Claim, rules: Rules) -> socket.socket:
    if claim.elsewhere:
        raise _is_elsewhere(claim)
    path = Path(endpoint.path)
    if what := own_path(path, rules.services):
        raise EndpointRefusedError(f"{endpoint} is {what}.")
    with _held(path, claim, str(endpoint)) as name:
        connected = await _connected(socket.AF_UNIX, name)
    with _closed_unless_done(connected):
        server = known_unix_server(connected)
        if server is None:
            server = await asyncio.to_thread(_unix_server, connected, claim, rules)
        _judge(refusal(server, claim), str(endpoint))
    return connected


def _unix_server(connected: socket.socket, claim: Claim, rules: Rules) -> Server:
    return unix_server(connected, claim.account, gateway_pids(rules.state_dir))


@contextmanager
def _held(path: Path, claim: Claim, where: str) -> Iterator[str]:
    """A name for exactly the socket that `path` leads to now; follows no link, and fits into a socket address.

    We may be root and reach sockets that the session may not: it must not lure us to one, since connecting alone
    starts some services.
    """
    held = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(held)
        if not stat.S_ISSOCK(found.st_mode):
            raise OSError("it is no socket; expected one, not a link or a file")
        if found.st_uid != claim.account:
            raise EndpointRefusedError(
                f"{where} belongs to uid {found.st_uid}; expected uid {claim.account}, as which the session runs."
            )
        yield f"/proc/self/fd/{held}"
    finally:
        os.close(held)


# ---- both -------------------------------------------------------------------------------------------------


async def _connected(family: int, address: str | tuple[str, int]) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    with _closed_unless_done(made):
        made.setblocking(False)
        if family != socket.AF_UNIX:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(made, address)
    return made


@contextmanager
def _closed_unless_done(made: socket.socket) -> Iterator[None]:
    try:
        yield
    except BaseException:
        made.close()
        raise


def _is_elsewhere(claim: Claim) -> ElsewhereError:
    """Whatever has that address here is something else, perhaps of another session."""
    return ElsewhereError(details.RUNS_ELSEWHERE.filled(machine=claim.elsewhere))


def _judge(why: str, where: str) -> None:
    if why:
        raise EndpointRefusedError(f"{where} {why}.")
