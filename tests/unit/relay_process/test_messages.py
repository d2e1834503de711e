"""What the processes tell each other arrives as it was."""

from __future__ import annotations

import ipaddress
import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from remote_service.endpoints import Endpoint, EndpointKind
from remote_service.networks import Networks
from remote_service.relay.closing import CLEAN, CUT, Leaving
from remote_service.relay.own_services import OwnService, Rules
from remote_service.relay.traffic import Traffic
from remote_service.relay.watch import GONE, Glimpse, Grant
from remote_service.relay_process.messages import (
    Handover,
    glimpse_as_data,
    glimpse_from_data,
    grant_as_data,
    grant_from_data,
    leaving_as_data,
    policy_as_data,
    rules_as_data,
    rules_from_data,
    traffic_as_data,
)
from remote_service.rfb.policy import Policy
from remote_service.states import State
from tests.unit.relay_process.played import GRANT, HANDOVER, OF_REST, RULES


def sent(data: Any) -> Any:
    """As JSON has it at the other end."""
    return json.loads(json.dumps(data))


@pytest.mark.parametrize("grant", [GRANT, OF_REST])
def test_a_grant_arrives_as_it_was(grant: Grant) -> None:
    assert grant_from_data(sent(grant_as_data(grant))) == grant


@pytest.mark.parametrize("tunnel", [None, 7])
@pytest.mark.parametrize("early", [b"", b"\x00\xff behind {the request}"])
def test_a_handover_arrives_with_its_answer_and_the_early_bytes_of_its_peer(early: bytes, tunnel: int | None) -> None:
    handover = replace(HANDOVER, answer=b"HTTP/1.1 101 \xff\r\n", early=early, tunnel=tunnel)
    assert Handover.unpacked(handover.packed()) == handover


def test_what_is_logged_of_a_handover_has_neither_its_bytes_nor_what_vouches_for_the_user() -> None:
    shown = repr(replace(HANDOVER, answer=b"answered", early=b"typed"))
    assert "typed" not in shown
    assert "answered" not in shown
    assert GRANT.password_stamp not in shown


def packet(head: object) -> bytes:
    text = json.dumps(head).encode()
    return struct.pack(">I", len(text)) + text


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"abc", "error('unpack_from requires a buffer of at least 4 bytes for unpacking 4 bytes at offset 0 "
                 "(actual buffer size is 3)')"),
        (packet({}), "KeyError('grant')"),
        (packet({"grant": grant_as_data(GRANT)}), "KeyError('answer')"),
        (packet({"grant": grant_as_data(GRANT), "answer": ""}), "KeyError('most_message')"),
        (packet({"grant": grant_as_data(GRANT), "answer": "", "most_message": 1}), "KeyError('tunnel')"),
        (packet({"grant": None, "most_message": 1}), "TypeError(\"'NoneType' object is not subscriptable\")"),
        (packet([1]), "TypeError('list indices must be integers or slices, not str')"),
    ],
)  # fmt: skip
def test_a_packet_that_is_no_handover_is_told_from_one(data: bytes, why: str) -> None:
    with pytest.raises(ValueError) as caught:
        Handover.unpacked(data)
    assert str(caught.value) == f"a packet that is no handover: {why}"


def test_so_is_one_that_was_cut() -> None:
    with pytest.raises(ValueError):
        Handover.unpacked(HANDOVER.packed()[:-10])


@pytest.mark.parametrize(
    "glimpse",
    [
        GONE,
        Glimpse(State.FAILED, "start_failed", "It could not be started."),
        Glimpse(State.RUNNING, "", "", Endpoint.unix("/run/vnc.sock"), hosts=("node1", "node2"), elsewhere="node1"),
        Glimpse(State.RUNNING, "", "", Endpoint.tcp("node1", 14500, EndpointKind.XPRA), stream="raw"),
        Glimpse(State.RUNNING, "", "", Endpoint.terminal(["ssh", "node1"])),
    ],
)
def test_a_glimpse_arrives_as_it_was(glimpse: Glimpse) -> None:
    assert glimpse_from_data(sent(glimpse_as_data(glimpse))) == glimpse


@pytest.mark.parametrize("policy", [Policy(), Policy(view_only=True, no_clipboard_out=True, max_updates_per_second=2)])
def test_a_policy_arrives_as_it_was(policy: Policy) -> None:
    assert Policy(**sent(policy_as_data(policy))) == policy


@pytest.mark.parametrize(
    "rules",
    [
        RULES,
        Rules(
            Networks(False, False, (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::/32"))),
            (OwnService("in the gateway's state directory", path="/srv/state"),),
            Path("/srv/state"),
        ),
    ],
)
def test_the_rules_arrive_as_they_were(rules: Rules) -> None:
    assert rules_from_data(sent(rules_as_data(rules))) == rules


def test_what_was_carried_arrives_as_it_was() -> None:
    traffic = Traffic(bytes_down=1, bytes_up=2, messages_down=3, messages_up=4)
    assert Traffic(*sent(traffic_as_data(traffic))) == traffic


@pytest.mark.parametrize("leaving", [CLEAN, CUT, Leaving(clean=True, close_code=4008)])
def test_how_a_viewer_left_arrives_as_it_was(leaving: Leaving) -> None:
    assert Leaving(*sent(leaving_as_data(leaving))) == leaving
