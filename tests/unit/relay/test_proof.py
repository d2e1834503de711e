"""Who may serve a session's endpoint, and which socket is the other end of a connection."""

from __future__ import annotations

import pytest

from remote_service.hosting.tcp_table import LISTEN, Place, TcpSocket
from remote_service.relay.proof import Claim, Server, refusal, serving

SESSION = "6f87d37a-41b9-45ee-af26-310d568b1d4d"
OTHER = "00000000-41b9-45ee-af26-310d568b1d4d"
CLAIM = Claim(SESSION, 999)
HERE, THERE = ("127.0.0.1", 50000), ("127.0.0.1", 5901)
NOBODY = ("0.0.0.0", 0)
ESTABLISHED, SYN_RECEIVED, FIN_WAIT = "01", "03", "05"


@pytest.mark.parametrize(
    ("server", "why"),
    [
        (Server(999), ""),
        (Server(999, SESSION), ""),
        (Server(0, SESSION), ""),
        (Server(999, OTHER), "is served by another session"),
        (Server(0, OTHER), "is served by another session"),
        (Server(1001), "is served by uid 1001; expected uid 999, as which the session runs"),
        (Server(0), "is served by uid 0; expected uid 999, as which the session runs"),
        (Server(999, gateway=True), "is the gateway's own"),
        (Server(0, gateway=True), "is the gateway's own"),
    ],
)
def test_a_session_is_served_by_its_own_account_or_its_own_programs(server: Server, why: str) -> None:
    assert refusal(server, CLAIM) == why


def listening(address: str, uid: int = 999, inode: int = 1) -> TcpSocket:
    return TcpSocket((address, THERE[1]), NOBODY, LISTEN, uid, inode)


def connection(uid: int = 0, inode: int = 0, state: str = ESTABLISHED, local: Place = THERE) -> TcpSocket:
    return TcpSocket(local, HERE, state, uid, inode)


def test_who_has_accepted_the_connection_serves_it_whoever_listens_now() -> None:
    squatter = connection(1001, inode=7)
    assert serving([listening("127.0.0.1"), squatter], HERE, THERE) == [squatter]


@pytest.mark.parametrize("state", [ESTABLISHED, SYN_RECEIVED, FIN_WAIT])
def test_one_that_waits_to_be_accepted_or_has_been_closed_is_that_of_who_listens(state: str) -> None:
    sockets = [listening("127.0.0.1"), connection(state=state)]
    assert serving(sockets, HERE, THERE) == sockets[:1]


def test_the_most_exact_listener_is_the_one() -> None:
    exact, any4, any6 = listening("127.0.0.1"), listening("0.0.0.0", 1001), listening("::", 1001)
    assert serving([any6, any4, exact, connection()], HERE, THERE) == [exact]
    assert serving([any6, any4, connection()], HERE, THERE) == [any4]
    assert serving([any6, connection()], HERE, THERE) == [any6]


def test_all_who_share_a_port_have_to_be_asked() -> None:
    both = [listening("127.0.0.1", inode=1), listening("127.0.0.1", inode=2)]
    assert serving([*both, connection()], HERE, THERE) == both


@pytest.mark.parametrize(
    "sockets",
    [
        [],
        [listening("127.0.0.1")],
        [connection()],
        [listening("127.0.0.2"), connection()],
        [listening("127.0.0.1"), connection(local=("127.0.0.2", 5901))],
    ],
)
def test_a_connection_that_has_been_cut_is_nobody_s(sockets: list[TcpSocket]) -> None:
    assert serving(sockets, HERE, THERE) == []
