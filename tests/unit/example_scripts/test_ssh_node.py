"""Command lines for this machine and for others, and the options they come from."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ssh_node import Node, NodeError, text_list

PATIENCE = ["-o", "ConnectTimeout=5", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3"]


def test_it_is_this_machine_when_no_host_is_given() -> None:
    node = Node.from_options({})
    assert node.argv(["sh", "-s", "--", "a b"]) == ["sh", "-s", "--", "a b"]
    assert node.address == "127.0.0.1"


def test_it_quotes_for_the_login_shell_and_never_asks_for_a_password() -> None:
    node = Node.from_options({"host": "render@n8"})
    assert node.argv(["sh", "-c", "echo $HOME; id"]) == [
        *("ssh", "-o", "BatchMode=yes", *PATIENCE),
        *("--", "render@n8", "sh -c 'echo $HOME; id'"),
    ]
    assert node.address == "n8"


def test_the_sites_own_options_come_before_ours_so_that_they_count() -> None:
    node = Node.from_options({"host": "n8", "ssh_port": 2222, "ssh_options": ["-o", "ConnectTimeout=30"]})
    assert node.argv(["id"]) == [
        *("ssh", "-o", "BatchMode=yes", "-p", "2222", "-o", "ConnectTimeout=30", *PATIENCE),
        *("--", "n8", "id"),
    ]


def test_a_tunnel_ends_when_it_cannot_forward_and_its_socket_is_private() -> None:
    node = Node.from_options({"host": "n8"})
    assert node.tunnel_argv(Path("/tmp/s/vnc.sock"), 5901) == [
        *("ssh", "-o", "BatchMode=yes", *PATIENCE),
        *("-N", "-o", "ExitOnForwardFailure=yes", "-o", "StreamLocalBindMask=0177"),
        *("-L", "/tmp/s/vnc.sock:127.0.0.1:5901", "--", "n8"),
    ]


@pytest.mark.parametrize("host", ["", "-oProxyCommand=id", "n8 n9", "n8;id", 8, ["n8"], "n8\n"])
def test_it_refuses_a_host_that_cannot_be_one(host: object) -> None:
    with pytest.raises(ValueError) as caught:
        Node.from_options({"host": host})
    assert str(caught.value) == f"the option host is {host!r}; expected a host as ssh knows it, such as 'n8'"


@pytest.mark.parametrize("port", [0, 65536, True, "22", 22.0])
def test_it_refuses_a_port_that_cannot_be_one(port: object) -> None:
    with pytest.raises(ValueError) as caught:
        Node.from_options({"host": "n8", "ssh_port": port})
    assert str(caught.value) == f"the option ssh_port is {port!r}; expected a whole number from 1 to 65535"


@pytest.mark.parametrize("value", ["-v", ["-p", 22], {"-p": "22"}])
def test_it_refuses_options_that_are_no_list_of_texts(value: object) -> None:
    with pytest.raises(ValueError) as caught:
        text_list({"ssh_options": value}, "ssh_options")
    assert str(caught.value) == (
        f"the option ssh_options is {value!r}; expected a list of texts, such as ['one', 'two']"
    )


def test_a_call_gives_the_text_and_takes_what_was_said() -> None:
    reverse = "import sys; print(sys.stdin.read()[::-1]); sys.exit(3)"
    done = Node().call([sys.executable, "-c", reverse], "abc", timeout=20)
    assert (done.stdout, done.stderr, done.returncode) == ("cba\n", "", 3)


def test_a_call_that_takes_too_long_is_an_error_that_names_the_node() -> None:
    hang = "import threading; threading.Event().wait()"
    with pytest.raises(NodeError) as caught:
        Node().call([sys.executable, "-c", hang], "", timeout=0.1)
    assert str(caught.value) == "127.0.0.1 did not answer within 0.1 seconds"
