"""What page process, relay and supervisor tell each other, as JSON-able data; no I/O."""

from __future__ import annotations

import ipaddress
import json
import struct
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from remote_service.actors import Actor
from remote_service.endpoints import Endpoint
from remote_service.networks import Networks
from remote_service.relay.closing import Leaving
from remote_service.relay.own_services import OwnService, Rules
from remote_service.relay.traffic import Traffic
from remote_service.relay.watch import Glimpse, Grant
from remote_service.rfb.policy import Policy
from remote_service.states import State

ALIVE = 0.5
"""Seconds between two signs of life of an office, which tell nothing of the database."""

Data = Mapping[str, Any]
_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Handover:
    """What comes with a websocket that is granted: its upgrade is not answered yet."""

    grant: Grant
    most_message: int
    """Bytes that one message may have."""
    answer: bytes = field(default=b"", repr=False)
    """What the peer has to be sent first."""
    early: bytes = field(default=b"", repr=False)
    """What the peer has sent behind its request."""
    tunnel: str | None = None
    """The name of the tunnel through which the request came; None when a socket comes along."""

    def packed(self) -> bytes:
        """As one packet."""
        told = {
            "grant": grant_as_data(self.grant),
            "most_message": self.most_message,
            "answer": self.answer.decode("latin-1"),
            "tunnel": self.tunnel,
        }
        head = json.dumps(told).encode()
        return _LENGTH.pack(len(head)) + head + self.early

    @classmethod
    def unpacked(cls, packet: bytes) -> Handover:
        """What `packed` gave.

        Raises:
            ValueError: it is no such packet.
        """
        try:
            (length,) = _LENGTH.unpack_from(packet)
            end = _LENGTH.size + length
            head = json.loads(packet[_LENGTH.size : end])
            grant, answer = grant_from_data(head["grant"]), head["answer"].encode("latin-1")
            return cls(grant, int(head["most_message"]), answer, packet[end:], head["tunnel"])
        except (struct.error, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"a packet that is no handover: {error!r}") from error


def grant_as_data(grant: Grant) -> dict[str, Any]:
    """A grant; `grant_from_data` takes it back."""
    return {
        "session": str(grant.session_id),
        "user": grant.user_id,
        "login": grant.login,
        "actor": asdict(grant.actor),
        "stamp": grant.password_stamp,
        "guest": grant.guest_id and str(grant.guest_id),
    }


def grant_from_data(data: Data) -> Grant:
    """What `grant_as_data` gave.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    session_id, guest_id = uuid.UUID(data["session"]), data["guest"] and uuid.UUID(data["guest"])
    return Grant(session_id, data["user"], data["login"], Actor(**data["actor"]), data["stamp"], guest_id)


def glimpse_as_data(glimpse: Glimpse) -> dict[str, Any]:
    """A glimpse; `glimpse_from_data` takes it back."""
    return {
        "state": glimpse.state.value,
        "reason": glimpse.end_reason,
        "detail": glimpse.end_detail,
        "endpoint": glimpse.endpoint and glimpse.endpoint.as_dict(),
        "stream": glimpse.stream,
        "hosts": list(glimpse.hosts),
        "elsewhere": glimpse.elsewhere,
    }


def glimpse_from_data(data: Data) -> Glimpse:
    """What `glimpse_as_data` gave.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    endpoint = data["endpoint"] and Endpoint.from_dict(data["endpoint"])
    state, hosts = State(data["state"]), tuple(data["hosts"])
    return Glimpse(state, data["reason"], data["detail"], endpoint, data["stream"], hosts, data["elsewhere"])


def policy_as_data(policy: Policy) -> dict[str, Any]:
    """A policy; `Policy(**data)` is the way back."""
    return asdict(policy)


def rules_as_data(rules: Rules) -> dict[str, Any]:
    """The rules about endpoints; `rules_from_data` takes them back."""
    networks = rules.networks
    return {
        "loopback": networks.loopback,
        "types": networks.types,
        "listed": [str(network) for network in networks.listed],
        "services": [asdict(service) for service in rules.services],
        "state_dir": str(rules.state_dir),
    }


def rules_from_data(data: Data) -> Rules:
    """What `rules_as_data` gave.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    listed = tuple(ipaddress.ip_network(network) for network in data["listed"])
    services = tuple(OwnService(**service) for service in data["services"])
    return Rules(Networks(data["loopback"], data["types"], listed), services, Path(data["state_dir"]))


def traffic_as_data(traffic: Traffic) -> list[int]:
    """What a viewer was sent and has sent; `Traffic(*data)` is the way back."""
    return [traffic.bytes_down, traffic.bytes_up, traffic.messages_down, traffic.messages_up]


def leaving_as_data(leaving: Leaving) -> list[bool | int | None]:
    """How a viewer left; `Leaving(*data)` is the way back."""
    return [leaving.clean, leaving.close_code]
