"""A viewer's eye on its session: what waits for it, and what it does not tell."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from remote_service.actors import Actor
from remote_service.relay.watch import Glimpse, Grant, Watch
from remote_service.rfb.policy import Policy
from remote_service.states import State
from remote_service.tasks import spawn

RUNNING = Glimpse(State.RUNNING, "", "")
GRANT = Grant(uuid.UUID(int=1), 1, "login-key", Actor("alice", "192.0.2.7", "websocket"), "stamp")


async def test_what_holds_already_is_not_waited_for() -> None:
    watch = Watch(GRANT, 1, RUNNING, Policy())

    await asyncio.wait_for(watch.until(lambda w: w.glimpse is RUNNING), 1)


async def test_a_change_that_is_not_the_hoped_for_is_waited_through() -> None:
    watch = Watch(GRANT, 1, Glimpse(State.STARTING, "", ""), Policy())
    waiting = spawn(watch.until(lambda w: w.glimpse is RUNNING), name="waits for running")

    watch.changed.set()
    await asyncio.sleep(0)
    assert not waiting.done()
    watch.glimpse = RUNNING
    watch.changed.set()

    await asyncio.wait_for(waiting, 1)


@pytest.mark.parametrize("secret", [GRANT.login, GRANT.password_stamp])
def test_it_does_not_show_what_vouches_for_its_viewer(secret: str) -> None:
    assert secret not in repr(Watch(GRANT, 1, RUNNING, Policy()))
