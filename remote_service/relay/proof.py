"""Whether who serves an endpoint on this machine may serve it for a session: decided here, without I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from remote_service.hosting.tcp_table import ANY_ADDRESS, Place, TcpSocket


@dataclass(frozen=True, slots=True)
class Claim:
    """What a session may be served by."""

    session: str
    """Its id."""
    account: int
    """The uid that it runs as."""
    hosts: tuple[str, ...] = ()
    """Other machines that its type names."""
    elsewhere: str = ""
    """The machine at which it runs, when that is not this one: nothing here is its own then."""


@dataclass(frozen=True, slots=True)
class Server:
    """Who serves a socket, as far as can be seen."""

    account: int
    """The uid that it runs as."""
    session: str = ""
    """The session that started it; empty when that cannot be seen, or none did."""
    gateway: bool = False
    """It is the gateway itself."""


class EndpointRefusedError(Exception):
    """An endpoint that the gateway does not connect its session to; the message is a sentence for its user."""


class ElsewhereError(EndpointRefusedError):
    """It means something else here than on the machine where the session runs."""


def refusal(server: Server, claim: Claim) -> str:
    """Why the session may not be served by it, as the end of a sentence; empty when it may."""
    if server.gateway:
        return "is the gateway's own"
    if server.session:
        return "" if server.session == claim.session else "is served by another session"
    if server.account == claim.account:
        return ""
    return f"is served by uid {server.account}; expected uid {claim.account}, as which the session runs"


def serving(sockets: Iterable[TcpSocket], here: Place, there: Place) -> list[TcpSocket]:
    """The sockets that are, or may be, the other end of a connection of ours; none when it has been cut.

    A connection that somebody has accepted has an owner of its own. One that waits to be accepted is its listener's.
    One that its owner has closed behind some last words has none any more; who listens there is asked in their place,
    and nobody can read what is sent to it.

    Args:
        sockets: those at the other end's port, listening ones first, as the kernel lists them: a listener that has
            gone before it could be listed holds no connection that waits.
        here: our end.
        there: the address and port that we connected to.
    """
    sockets = list(sockets)
    ours = [each for each in sockets if not each.listens and (each.local, each.remote) == (there, here)]
    if not ours or ours[0].inode:
        return ours
    for address in (there[0], *ANY_ADDRESS):
        if listening := [each for each in sockets if each.listens and each.local == (address, there[1])]:
            return listening
    return []
