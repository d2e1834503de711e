"""Who listens where, out of recorded lines of `/proc/net`; real sockets are in tests/integration/hosting."""

from __future__ import annotations

import socket

import pytest

from remote_service.endpoints import Endpoint, EndpointKind
from remote_service.hosting import listening
from remote_service.hosting.listening import (
    addresses_of,
    is_local,
    listens,
    listens_locally,
    tcp_listeners,
    unix_listeners,
)

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1770 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 100 0
   1: 0100007F:170D 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000000000000000 100 0
   2: 0100007F:170E 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4713 1 0000000000000000 100 0

""".splitlines()
TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 470 1
   1: 00000000000000000000000001000000:170D 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 471 1
   2: B80D0120000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 472 1
   3: 0000000000000000FFFF00000100007F:1F91 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 473 1
""".splitlines()
UNIX = """\
Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 12345 /tmp/rs-1/vnc.sock
0000000000000000: 00000002 00000000 00010000 0001 01 12346 /tmp/a path with  spaces
0000000000000000: 00000003 00000000 00000000 0001 03 12347 /tmp/rs-1/connected.sock
0000000000000000: 00000002 00000000 00010000 0001 01 12348 @/tmp/.X11-unix/X1
0000000000000000: 00000002 00000000 00010000 0005 01 12349
""".splitlines(keepends=True)


def test_tcp_listeners_are_read_with_their_addresses() -> None:
    assert tcp_listeners(TCP, ipv6=False) == {("0.0.0.0", 6000), ("127.0.0.1", 5901)}


def test_ipv6_listeners_are_read_and_those_of_mapped_addresses_are_ipv4_s() -> None:
    assert tcp_listeners(TCP6, ipv6=True) == {("::", 80), ("::1", 5901), ("2001:db8::1", 8080), ("127.0.0.1", 8081)}


def test_unix_listeners_are_those_that_accept() -> None:
    assert unix_listeners(UNIX) == {"/tmp/rs-1/vnc.sock", "/tmp/a path with  spaces", "@/tmp/.X11-unix/X1"}


def test_a_path_with_line_breaks_confuses_nobody() -> None:
    lines = "0000000000000000: 00000002 00000000 00010000 0001 01 1 /tmp/evil\n1 2 3 no-hex 5 6 7 8\n".splitlines(
        keepends=True
    )
    assert unix_listeners([*lines, *UNIX[1:2]]) == {"/tmp/evil", "/tmp/rs-1/vnc.sock"}


@pytest.mark.parametrize("lines", [[], [""], ["garbage"], TCP[:1]])
def test_lines_without_a_listener_have_none(lines: list[str]) -> None:
    assert tcp_listeners(lines, ipv6=False) == set()
    assert unix_listeners(lines) == set()


# ---- whose an address is --------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "::1%lo"])
def test_loopback_is_local(address: str) -> None:
    assert is_local(address)


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_addresses_for_documentation_are_nobody_s_and_so_not_ours(address: str) -> None:
    assert not is_local(address)


def test_an_address_that_can_be_bound_is_local(monkeypatch: pytest.MonkeyPatch) -> None:
    class Willing:
        def __init__(self, family: int, kind: int) -> None:
            assert family in (socket.AF_INET, socket.AF_INET6)

        def __enter__(self) -> Willing:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def bind(self, address: tuple[str, int]) -> None:
            assert address == ("192.0.2.1", 0)

    monkeypatch.setattr(socket, "socket", Willing)
    assert is_local("192.0.2.1")


@pytest.mark.parametrize("host", ["a..b", "x" * 70, "\0", "nul\0inside"])
def test_a_name_that_cannot_be_one_has_no_addresses(host: str) -> None:
    assert addresses_of(host) == []


def test_a_name_that_nobody_knows_has_no_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert addresses_of("nowhere.example") == []


def test_each_address_of_a_name_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [
        (socket.AF_INET6, 1, 6, "", ("::1", 0, 0, 0)),
        (socket.AF_INET, 1, 6, "", ("127.0.0.1", 0)),
        (socket.AF_INET, 1, 6, "", ("127.0.0.1", 0)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    assert addresses_of("localhost") == ["127.0.0.1", "::1"]


# ---- endpoints ------------------------------------------------------------------------------------------


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and listeners of a small network; no packet leaves."""
    names = {"localhost": ["127.0.0.1", "::1"], "n8": ["192.0.2.8"], "both": ["127.0.0.1", "192.0.2.8"]}
    monkeypatch.setattr(listening, "addresses_of", lambda host: names.get(host, []))
    monkeypatch.setattr(
        listening, "_local_tcp_listeners", lambda: tcp_listeners(TCP, ipv6=False) | tcp_listeners(TCP6, ipv6=True)
    )
    monkeypatch.setattr(listening, "_accepts", lambda address, port, timeout: (address, port) == ("192.0.2.8", 5901))


@pytest.mark.parametrize(
    ("host", "port", "local", "reachable"),
    [
        ("localhost", 5901, True, True),
        ("localhost", 6000, True, True),
        ("localhost", 80, True, True),
        ("localhost", 5902, False, False),
        ("localhost", 8080, False, False),
        ("both", 5901, True, True),
        ("n8", 5901, None, True),
        ("n8", 5902, None, False),
        ("nowhere", 5901, None, False),
    ],
)
@pytest.mark.usefixtures("network")
def test_a_tcp_endpoint_is_looked_up_here_and_asked_elsewhere(
    host: str, port: int, local: bool | None, reachable: bool
) -> None:
    for kind in (EndpointKind.TCP, EndpointKind.XPRA):
        endpoint = Endpoint.tcp(host, port, kind)
        assert listens_locally(endpoint) is local
        assert listens(endpoint) is reachable


def test_a_terminal_is_always_ready() -> None:
    assert listens(Endpoint.terminal(["tmux"]))


def test_a_path_where_nothing_listens_is_not() -> None:
    assert listens_locally(Endpoint.unix("/nowhere/at/all")) is False
