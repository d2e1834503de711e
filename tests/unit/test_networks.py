"""Where the endpoints of sessions may be, and where never."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from remote_service.networks import DEFAULT, USUAL, Networks, dialled, hosts_of

NOT_LISTED = "is not in REMOTE_SERVICE_ENDPOINT_NETWORKS"
LISTED = Networks.read(["10.0.1.0/24", "2001:db8::/32", "192.0.2.7"])


def test_the_default_is_this_machine_and_what_types_name() -> None:
    assert Networks.read(DEFAULT) == USUAL == Networks(loopback=True, types=True, listed=())


@pytest.mark.parametrize(
    ("networks", "address", "local", "named", "refusal"),
    [
        (USUAL, "127.0.0.1", True, False, ""),
        (USUAL, "192.0.2.1", True, False, ""),
        (USUAL, "192.0.2.1", False, True, ""),
        (USUAL, "192.0.2.1", False, False, NOT_LISTED),
        (Networks.read(["types"]), "127.0.0.1", True, False, NOT_LISTED),
        (Networks.read(["loopback"]), "192.0.2.1", False, True, NOT_LISTED),
        (LISTED, "10.0.1.255", False, False, ""),
        (LISTED, "10.0.2.1", False, False, NOT_LISTED),
        (LISTED, "192.0.2.7", False, False, ""),
        (LISTED, "2001:db8::7", False, False, ""),
        (LISTED, "127.0.0.1", True, True, NOT_LISTED),
        (Networks.read(["0.0.0.0/0"]), "169.254.169.254", False, True, "is link-local, which is never allowed"),
        (Networks.read(["::/0"]), "fe80::1", True, True, "is link-local, which is never allowed"),
        (Networks.read(["0.0.0.0/0"]), "224.0.0.1", False, True, "is the address of many, which is never allowed"),
        (
            Networks.read(["0.0.0.0/0"]),
            "255.255.255.255",
            False,
            True,
            "is the address of many, which is never allowed",
        ),
    ],
)
def test_an_address_is_judged(networks: Networks, address: str, local: bool, named: bool, refusal: str) -> None:
    assert networks.refusal(ipaddress.ip_address(address), local=local, named=named) == refusal


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.8", "10.0.0.8"),
        ("::ffff:169.254.169.254", "169.254.169.254"),
        ("fe80::1%eth0", "fe80::1"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "::1"),
        ("::ffff:0.0.0.0", "127.0.0.1"),
    ],
)
def test_an_address_is_dialled_as_what_it_means(text: str, address: str) -> None:
    assert str(dialled(text)) == address


def test_what_is_no_network_is_said() -> None:
    with pytest.raises(ValueError) as caught:
        Networks.read(["loopback", "10.0.1.7/24"])

    assert str(caught.value) == (
        "'10.0.1.7/24' is no network (10.0.1.7/24 has host bits set); expected 'loopback', 'types', an address or a "
        "network, such as 10.0.1.0/24"
    )


@pytest.mark.parametrize(
    ("options", "hosts"),
    [
        ({}, []),
        ({"host": ""}, []),
        ({"host": "n8"}, ["n8"]),
        ({"host": "render@n8"}, ["n8"]),
        ({"host": ["n8", "render@n9", 7]}, ["n8", "n9"]),
        ({"host": {"name": "n8"}}, []),
    ],
)
def test_the_hosts_that_a_type_names_are_those_that_ssh_connects_to(options: dict[str, Any], hosts: list[str]) -> None:
    assert hosts_of(options) == hosts
