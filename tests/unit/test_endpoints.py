"""Endpoints: what is taken, what is refused and with which words, and the way through JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from remote_service.endpoints import Endpoint, EndpointError, EndpointKind


@pytest.mark.parametrize("port", [1, 5900, 65535, "6001"])
def test_a_host_and_a_port_make_a_tcp_endpoint(port: object) -> None:
    endpoint = Endpoint.tcp("localhost", port)
    assert (endpoint.kind, endpoint.host, endpoint.port) == (EndpointKind.TCP, "localhost", int(str(port)))


@pytest.mark.parametrize("port", [0, 65536, -1, True, None, 5900.0, "", "5900x", "٣"])
def test_what_is_no_port_is_refused(port: object) -> None:
    with pytest.raises(EndpointError) as caught:
        Endpoint.tcp("localhost", port)
    assert str(caught.value) == f"the port is {port!r}; expected a whole number from 1 to 65535"


@pytest.mark.parametrize("host", ["", "two words", "line\nbreak", None, 7, "x" * 254])
def test_what_is_no_host_is_refused(host: object) -> None:
    with pytest.raises(EndpointError) as caught:
        Endpoint.tcp(host, 5900)
    assert str(caught.value) == (f"the host is {host!r}; expected a host name or an address, such as 'localhost'")


def test_an_absolute_path_makes_a_unix_endpoint() -> None:
    assert str(Endpoint.unix("/tmp/rs-1/vnc.sock")) == "unix:/tmp/rs-1/vnc.sock"


def test_a_relative_path_is_refused() -> None:
    with pytest.raises(EndpointError) as caught:
        Endpoint.unix("vnc.sock")
    assert str(caught.value) == "the socket's path is 'vnc.sock'; expected an absolute path"


def test_a_path_that_the_kernel_cannot_take_is_refused() -> None:
    path = "/" + "ä" * 54
    with pytest.raises(EndpointError) as caught:
        Endpoint.unix(path)
    assert str(caught.value) == (
        f"the socket's path {path!r} has 109 bytes; the kernel allows 107: "
        "put the socket into self.scratch, whose path is short"
    )
    assert Endpoint.unix("/" + "a" * 106).path.endswith("a")


def test_a_command_makes_a_terminal() -> None:
    assert Endpoint.terminal(["tmux", "attach"]).argv == ("tmux", "attach")


@pytest.mark.parametrize("argv", ["tmux attach", b"tmux", [], ["tmux", 7]])
def test_what_is_no_argument_list_is_refused(argv: Sequence[object]) -> None:
    with pytest.raises(EndpointError) as caught:
        Endpoint.terminal(argv)
    assert str(caught.value) == f"the command is {argv!r}; expected a list of texts, such as ['tmux', 'attach']"


@pytest.mark.parametrize(
    ("endpoint", "shown"),
    [
        (Endpoint.tcp("node7", 5901), "tcp:node7:5901"),
        (Endpoint.tcp("::1", 5901), "tcp:[::1]:5901"),
        (Endpoint.tcp("node7", 14500, EndpointKind.XPRA), "xpra:node7:14500"),
        (Endpoint.unix("/run/s"), "unix:/run/s"),
        (Endpoint.terminal(["tmux", "-S", "/x"]), "terminal:tmux"),
    ],
)
def test_an_endpoint_can_be_shown_and_stored(endpoint: Endpoint, shown: str) -> None:
    assert str(endpoint) == shown
    assert Endpoint.from_dict(json.loads(json.dumps(endpoint.as_dict()))) == endpoint
