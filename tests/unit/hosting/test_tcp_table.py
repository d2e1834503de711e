"""The machine's TCP sockets, out of recorded lines of `/proc/net`."""

from __future__ import annotations

import pytest

from remote_service.hosting.tcp_table import LISTEN, TcpSocket, plain, tcp_sockets

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:170D 00000000:0000 0A 00000000:00000000 00:00000000 00000000   999        0 4712 1 0000000000000000 100 0
   1: 0100007F:170D 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 0 1 0000000000000000 20 4 30
   2: 0100007F:C350 0100007F:170D 01 00000000:00000000 00:00000000 00000000     0        0 4714 1 0000000000000000 20 4
""".splitlines()
TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue
   0: 00000000000000000000000001000000:170D 00000000000000000000000000000000:0000 0A 0:0 00:0 00000000  1000    0 81 1
   1: 0000000000000000FFFF00000100007F:170D 0000000000000000FFFF00000100007F:C351 01 0:0 00:0 00000000  1000    0 82 1
""".splitlines()
ESTABLISHED = "01"
LISTENING = TcpSocket(("127.0.0.1", 5901), ("0.0.0.0", 0), LISTEN, 999, 4712)
WAITING = TcpSocket(("127.0.0.1", 5901), ("127.0.0.1", 50000), ESTABLISHED, 0, 0)


def test_sockets_are_read_with_their_owners() -> None:
    ours = TcpSocket(("127.0.0.1", 50000), ("127.0.0.1", 5901), ESTABLISHED, 0, 4714)
    assert list(tcp_sockets(TCP, ipv6=False)) == [LISTENING, WAITING, ours]
    assert [found.listens for found in tcp_sockets(TCP, ipv6=False)] == [True, False, False]


def test_those_at_one_port_alone_can_be_asked_for() -> None:
    assert list(tcp_sockets(TCP, ipv6=False, port=5901)) == [LISTENING, WAITING]
    assert list(tcp_sockets(TCP, ipv6=False, port=5902)) == []


def test_ipv4_inside_ipv6_is_ipv4() -> None:
    assert [found.local for found in tcp_sockets(TCP6, ipv6=True)] == [("::1", 5901), ("127.0.0.1", 5901)]


@pytest.mark.parametrize("lines", [[], [""], ["garbage"], TCP[:1], ["0: 0100007F:170D 00000000:0000 0A"]])
def test_other_lines_are_passed_over(lines: list[str]) -> None:
    assert list(tcp_sockets(lines, ipv6=False)) == []


@pytest.mark.parametrize(
    ("address", "compared"),
    [("127.0.0.1", "127.0.0.1"), ("::ffff:10.0.0.8", "10.0.0.8"), ("fe80::1%eth0", "fe80::1"), ("0::1", "::1")],
)
def test_addresses_are_compared_in_one_form(address: str, compared: str) -> None:
    assert plain(address) == compared
