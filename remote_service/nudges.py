""" "Look again\": the only thing the channel layer carries. A lost nudge costs at most a second, so none may hurt."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from remote_service import conf, nudge_sockets
from remote_service.tasks import spawn

log = logging.getLogger(__name__)

SUPERVISOR_GROUP = "supervisor"
GATEWAY_GROUP = "gateways"
RENEWAL = 3600.0
"""Seconds after which a group is joined again: channel layers forget a member after a day."""
RETRY = 5.0
"""Seconds between two attempts to reach a channel layer that cannot be reached."""
PATIENCE = 1.0
"""Seconds for a nudge: afterwards it is of no use any more, and none is sent for `RETRY`."""
PAUSE = 0.05
"""Seconds that lie between two nudges of the same kind that are `Gathered`."""
_TYPE = "look.again"


def nudge_supervisor() -> None:
    """Something is wanted of the supervisor."""
    _send_from_thread(SUPERVISOR_GROUP, None)


def nudge_gateways(session_id: uuid.UUID) -> None:
    """A session has changed."""
    _send_from_thread(GATEWAY_GROUP, session_id)


def _send_from_thread(group: str, session_id: uuid.UUID | None) -> None:
    if (folder := _folder()) is not None:
        nudge_sockets.post(folder, group, _about(session_id))
        return
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        async_to_sync(send)(group, session_id)


def _folder() -> Path | None:
    """Where the processes of `serve --workers` listen; None where a channel layer carries nudges."""
    crew = conf.current().crew
    return crew.nudges if crew else None


def _about(session_id: uuid.UUID | None) -> str:
    return "" if session_id is None else str(session_id)


async def send(group: str, session_id: uuid.UUID | None = None, sender: str = "") -> None:
    """Sends a nudge; a channel layer that is out of reach is logged and forgotten."""
    if (folder := _folder()) is not None:
        nudge_sockets.post(folder, group, _about(session_id), sender)
        return
    layer = get_channel_layer()
    if layer is None:
        return
    message = {"type": _TYPE, "session": _about(session_id)}
    if sender:
        message["sender"] = sender
    if time.monotonic() < _silence.until:
        return
    try:
        async with asyncio.timeout(PATIENCE):
            await layer.group_send(group, message)
    except TimeoutError:
        # Whoever waits for it is a page, or the supervisor: each of them would, with each change.
        _silence.until = time.monotonic() + RETRY
        log.warning(
            "a nudge to %s was lost (no answer within %g s); none is sent for %g s, and each is made up for within a "
            "second", group, PATIENCE, RETRY,
        )  # fmt: skip
    except Exception as error:  # noqa: BLE001 (each layer's client has errors of its own, and none of them may hurt)
        log.warning("a nudge to %s was lost (%s); it is made up for within a second", group, error)


class _Silence:
    """For how long nothing is sent."""

    until = 0.0
    """Monotonic seconds."""


_silence = _Silence()


class Gathered:
    """Nudges from within an event loop: the first at once, those of the same kind right after it all together."""

    def __init__(self, sender: str = "") -> None:
        """Prepares; `sender` says who it is, for those who need not hear of what they did themselves."""
        self._sender = sender
        self._resting: dict[tuple[str, uuid.UUID | None], bool] = {}
        """Those that were sent just now, and whether they were asked for again since."""

    def nudge(self, group: str, session_id: uuid.UUID | None = None) -> None:
        """Sends a nudge, now or soon."""
        kind = (group, session_id)
        if kind in self._resting:
            self._resting[kind] = True
            return
        self._resting[kind] = False
        spawn(send(group, session_id, self._sender), name=f"nudge to {group}")
        asyncio.get_running_loop().call_later(PAUSE, self._rested, kind)

    def _rested(self, kind: tuple[str, uuid.UUID | None]) -> None:
        if self._resting.pop(kind):
            self.nudge(*kind)


class Heard(asyncio.Event):
    """Set by every nudge, and cleared by who waits for it; knows about which sessions they were."""

    def __init__(self, deaf_to: str = "") -> None:
        """Nothing was heard yet; of this sender nothing will be."""
        super().__init__()
        self.sessions: set[str] = set()
        self.count = 0
        """How many nudges came so far."""
        self._deaf_to = deaf_to

    def hear(self, session_id: str, sender: str = "") -> None:
        """A nudge came; it is about no session in particular when the id is empty."""
        if sender and sender == self._deaf_to:
            return
        if session_id:
            self.sessions.add(session_id)
        self.count += 1
        self.set()

    def clear(self) -> None:
        """Forgets."""
        super().clear()
        self.sessions = set()


@asynccontextmanager
async def hearing(group: str, deaf_to: str = "") -> AsyncIterator[Heard]:
    """Joins a group; what is yielded is set by every nudge but this sender's, and cleared by who waits for it.

    While the channel layer is out of reach nothing is heard; it is tried again every few seconds.
    """
    layer = get_channel_layer()
    heard = Heard(deaf_to)
    if (folder := _folder()) is not None:
        with nudge_sockets.listening(folder, group, heard.hear):
            yield heard
        return
    if layer is None:
        yield heard
        return
    tried = asyncio.Event()
    listening = spawn(_listen(layer, group, heard, tried), name=f"nudges to {group}")
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await tried.wait()
        yield heard
    finally:
        listening.cancel()
        # A layer that hangs is not waited for: it forgets who has left by itself.
        await asyncio.wait({listening}, timeout=PATIENCE)
        listening.cancel()


async def _listen(layer: Any, group: str, heard: Heard, tried: asyncio.Event) -> None:
    """Hears for ever; `tried` is set once the group was joined, or could not be."""
    while True:
        try:
            channel = await layer.new_channel()
            try:
                while True:
                    await layer.group_add(group, channel)
                    tried.set()
                    await _hear_for_a_while(layer, channel, heard)
            finally:
                await layer.group_discard(group, channel)
        except Exception as error:  # noqa: BLE001 (each layer's client has errors of its own, and none of them may hurt)
            log.warning("nudges to %s cannot be heard (%s); what they say is found out within a second", group, error)
            tried.set()
            await asyncio.sleep(RETRY)


async def _hear_for_a_while(layer: Any, channel: str, heard: Heard) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(RENEWAL):
            while True:
                message = await layer.receive(channel)
                heard.hear(message["session"], message.get("sender", ""))
