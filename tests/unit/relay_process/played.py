"""What the tests of the relay's process share: who is let in to what, and sockets that they hold both ends of."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from remote_service.actors import Actor
from remote_service.networks import Networks
from remote_service.relay.own_services import OwnService, Rules
from remote_service.relay.watch import GONE, Glimpse, Grant, Watch
from remote_service.relay_process.messages import Handover, glimpse_as_data, policy_as_data
from remote_service.rfb.policy import Policy
from remote_service.states import State

SESSION = uuid.UUID("6f9619ff-8b86-4d01-b42d-00cf4fc964ff")
GRANT = Grant(SESSION, 7, "alice's login", Actor("alice", "192.0.2.7", "websocket"), "stamp of her password")
OF_REST = Grant(SESSION, None, "", Actor("", "192.0.2.8", "websocket"))
HANDOVER = Handover(GRANT, 1 << 20)
RUNNING = Glimpse(State.RUNNING, "", "")
RULES = Rules(Networks(), (OwnService("the site's database", host="db", port=5432),), Path("/srv/state"))


def standing(glimpse: Glimpse = RUNNING, policy: Policy | None = None, *, withdrawn: bool = False) -> dict[str, Any]:
    """How a viewer stands, as the office tells it."""
    return {"glimpse": glimpse_as_data(glimpse), "policy": policy_as_data(policy or Policy()), "withdrawn": withdrawn}


def gone(watch: Watch) -> bool:
    """Its session has."""
    return watch.glimpse == GONE


@contextmanager
def both_ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A viewer's socket, and the gateway's."""
    viewer, ours = socket.socketpair()
    with viewer, ours:
        viewer.settimeout(5.0)
        yield viewer, ours
