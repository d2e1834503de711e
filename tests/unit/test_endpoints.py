"""Endpoints: what can be one, what cannot and why, there and back, and as text for logs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from remote_service.endpoints import MAX_UNIX_PATH, Endpoint, EndpointError, EndpointKind

GOOD = {
    "tcp:localhost:5901": Endpoint.tcp("localhost", 5901),
    "tcp:n8.cluster:65535": Endpoint.tcp("n8.cluster", "65535"),
    "tcp:[::1]:1": Endpoint.tcp("::1", 1),
    "xpra:localhost:14500": Endpoint.tcp("localhost", 14500, EndpointKind.XPRA),
    "unix:/tmp/rs/sock": Endpoint.unix("/tmp/rs/sock"),
    "unix:/tmp/of a path": Endpoint.unix(Path("/tmp/of a path")),
    "terminal:tmux": Endpoint.terminal(["tmux", "attach", "-t", "work"]),
}


@pytest.mark.parametrize(("text", "endpoint"), GOOD.items())
def test_it_shows_itself_in_a_few_words(text: str, endpoint: Endpoint) -> None:
    assert str(endpoint) == text


@pytest.mark.parametrize("endpoint", GOOD.values(), ids=GOOD)
def test_it_comes_back_from_json_as_it_was(endpoint: Endpoint) -> None:
    assert Endpoint.from_dict(json.loads(json.dumps(endpoint.as_dict()))) == endpoint


def test_what_is_missing_in_a_stored_one_is_empty() -> None:
    assert Endpoint.from_dict({"kind": "unix", "path": "/x"}) == Endpoint.unix("/x")


def test_a_port_of_digits_is_a_number() -> None:
    assert Endpoint.tcp("localhost", "5901").port == 5901


@pytest.mark.parametrize("host", ["", None, 7, "two words", "a\tb", "\udcff", "x" * 254, b"localhost"])
def test_a_host_that_cannot_be_one_is_named(host: Any) -> None:
    with pytest.raises(EndpointError) as caught:
        Endpoint.tcp(host, 5900)
    assert str(caught.value) == f"the host is {host!r}; expected a host name or an address, such as 'localhost'"


@pytest.mark.parametrize("port", [0, 65536, -1, True, 5900.0, None, "", "5900 ", "٥٩٠٠", "0", "-5", [5900]])
def test_a_port_that_cannot_be_one_is_named(port: Any) -> None:
    shown = 0 if port == "0" else port
    with pytest.raises(EndpointError) as caught:
        Endpoint.tcp("localhost", port)
    assert str(caught.value) == f"the port is {shown!r}; expected a whole number from 1 to 65535"


@pytest.mark.parametrize("path", ["sock", "", "./sock", "/with\0nul", "/two\nlines", "/half/\udcff"])
def test_a_path_that_cannot_be_one_is_named(path: str) -> None:
    with pytest.raises(EndpointError) as caught:
        Endpoint.unix(path)
    assert str(caught.value) == f"the socket's path is {path!r}; expected an absolute path of printable characters"


def test_a_path_counts_in_bytes() -> None:
    fits = "/" + "ü" * ((MAX_UNIX_PATH - 1) // 2)
    assert Endpoint.unix(fits).path == fits
    with pytest.raises(EndpointError) as caught:
        Endpoint.unix(fits + "ü")
    assert str(caught.value) == (
        f"the socket's path {fits + 'ü'!r} has 109 bytes; the kernel allows 107: "
        "put the socket into self.scratch, whose path is short"
    )


@pytest.mark.parametrize("argv", ["tmux attach", b"tmux", [], (), ["tmux", 3], [b"tmux"], ["tm\nux"], ["tmux", "\0"]])
def test_a_command_that_is_no_list_of_texts_is_named(argv: Any) -> None:
    with pytest.raises(EndpointError) as caught:
        Endpoint.terminal(argv)
    assert str(caught.value) == f"the command is {argv!r}; expected a list of texts, such as ['tmux', 'attach']"
