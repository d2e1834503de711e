"""Where a relay's process asks: in each other process of the crew, which knows the database.

It makes no difference who supervises. The relay has one desk at a time, and comes to another office when the one it
asks is killed or paused.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import uuid
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from remote_service import conf
from remote_service.hosting.account import session_uid
from remote_service.hosting.machine import has_ended, identity
from remote_service.hosting.wire import MAX_LINE, Message, encode, listen_on, parse, peer_of
from remote_service.relay.clerk import ClerkError, NoPasswordError
from remote_service.relay.closing import Leaving
from remote_service.relay.gateway import GatewayProcess
from remote_service.relay.site_rules import rules_in_force
from remote_service.relay.traffic import Traffic
from remote_service.relay.watch import GONE, NOTHING, Watch
from remote_service.relay_process.messages import (
    ALIVE,
    glimpse_as_data,
    grant_from_data,
    policy_as_data,
    rules_as_data,
)
from remote_service.tasks import spawn

log = logging.getLogger(__name__)

STRAYS = 10.0
"""Seconds between two looks for viewers that nobody serves."""
ENDING = 1.0
"""Seconds after its last word in which it may turn out that a relay's process has ended."""
_GAP = 0.05


class _Carried:
    """What the relay said last of a viewer's traffic."""

    def __init__(self) -> None:
        self.bytes_down = self.bytes_up = self.messages_down = self.messages_up = 0

    def is_now(self, traffic: Traffic) -> None:
        self.bytes_down, self.bytes_up = traffic.bytes_down, traffic.bytes_up
        self.messages_down, self.messages_up = traffic.messages_down, traffic.messages_up


class Desk:
    """One relay's: answers it, and tells it what changes for its viewers."""

    def __init__(self, gateway_id: uuid.UUID, tell: Callable[[Message], None]) -> None:
        """Prepares.

        Args:
            gateway_id: the relay's.
            tell: sends it a message.
        """
        self._tell = tell
        self._gateway = GatewayProcess(gateway_id, self._news)
        self._watches: dict[int, Watch] = {}
        self._carried: dict[int, _Carried] = {}
        self._told: dict[int, dict[str, Any]] = {}
        self._calls: dict[str, Callable[[Message], Awaitable[Message]]] = {
            "open": self._open,
            "report": self._report,
            "password": self._password,
            "unprotected": self._unprotected,
            "refused": self._refused,
            "lost": self._lost,
        }

    async def knows_again(self, viewers: Sequence[tuple[int, Any]]) -> None:
        """Viewers of a relay that was there before this process; how they stand is found out by the next look.

        Args:
            viewers: their numbers and grants.

        Raises:
            ConnectionError: the database does not answer; the relay comes again.
        """
        for viewer_id, grant in viewers:
            watch = Watch(grant_from_data(grant), viewer_id, GONE, NOTHING)
            self._begin(watch)
            self._gateway.watch_again(watch)
        try:
            await self._gateway.cut_all_but(self._watches)
        except ClerkError as error:
            raise ConnectionError(str(error)) from error

    async def look_for_strays(self) -> None:
        """Cuts viewers of whom the relay has never heard: who let them in was paused meanwhile, and not asked any more.

        One that comes is such a stray for a moment, but not for two looks.
        """
        strays: Collection[int] = ()
        while True:
            await asyncio.sleep(STRAYS)
            with suppress(ClerkError):
                strays = await self._gateway.cut_all_but(self._watches, strays)

    def close(self) -> None:
        """The relay has hung up: its viewers' rows are cut unless it comes again soon."""
        self._gateway.end()

    async def cut_if_ended(self, relay: str) -> None:
        """Has the viewers of a relay that cannot come again counted as cut at once.

        Args:
            relay: its process, by its identity.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + ENDING
        while not has_ended(relay):
            if clock() >= deadline:
                return
            await asyncio.sleep(_GAP)
        try:
            await self._gateway.cut_all_but(())
        except ClerkError as error:
            log.debug("the viewers of a relay that has ended are cut when its heart has not beaten for long: %s", error)

    async def answer(self, message: Message) -> None:
        """Answers one call."""
        try:
            found = await self._calls[message["call"]](message)
        except ClerkError as error:
            found = {"error": str(error)}
        self._tell({"id": message["id"], **found})

    # ---- news -------------------------------------------------------------------------------------------

    def _news(self) -> None:
        """What has changed; also that nothing has, since the relay counts the seconds without word."""
        news = []
        for viewer_id, watch in self._watches.items():
            standing = _standing(watch)
            if self._told.get(viewer_id) != standing:
                self._told[viewer_id] = standing
                news.append([viewer_id, standing])
        self._tell({"news": news})

    def _begin(self, watch: Watch) -> None:
        self._watches[watch.viewer_id] = watch
        carried = self._carried[watch.viewer_id] = _Carried()
        self._gateway.carries(watch, carried)

    # ---- calls ------------------------------------------------------------------------------------------

    async def _open(self, message: Message) -> Message:
        watch = await self._gateway.open_viewer(grant_from_data(message["grant"]))
        self._begin(watch)
        standing = self._told[watch.viewer_id] = _standing(watch)
        return {"viewer": watch.viewer_id, "standing": standing}

    async def _report(self, message: Message) -> Message:
        for session_id in message["input"]:
            self._gateway.input_seen(uuid.UUID(session_id))
        for viewer_id, traffic in message["traffic"]:
            if viewer_id in self._carried:
                self._carried[viewer_id].is_now(Traffic(*traffic))
        for viewer_id, *leaving in message["left"]:
            if (watch := self._watches.pop(viewer_id, None)) is not None:
                self._told.pop(viewer_id, None)
                self._carried.pop(viewer_id, None)
                await self._gateway.close_viewer(watch, Leaving(*leaving))
        return {}

    async def _password(self, message: Message) -> Message:
        try:
            return {"password": await self._gateway.password_of(uuid.UUID(message["session"]))}
        except NoPasswordError as error:
            return {"fault": str(error)}

    async def _unprotected(self, message: Message) -> Message:
        await self._gateway.unprotected(uuid.UUID(message["session"]), message["where"])
        return {}

    async def _refused(self, message: Message) -> Message:
        await self._gateway.viewer_refused(self._watch(message), message["why"])
        return {}

    async def _lost(self, message: Message) -> Message:
        fatal, refused = message["fatal"], message["refused"]
        await self._gateway.endpoint_lost(self._watch(message), message["why"], fatal=fatal, refused=refused)
        return {}

    def _watch(self, message: Message) -> Watch:
        try:
            return self._watches[message["viewer"]]
        except KeyError:
            raise ClerkError("the office does not know this viewer") from None


def _standing(watch: Watch) -> dict[str, Any]:
    return {
        "glimpse": glimpse_as_data(watch.glimpse),
        "policy": policy_as_data(watch.policy),
        "withdrawn": watch.withdrawn,
    }


class Office:
    """Listens for relays."""

    def __init__(self, path: Path) -> None:
        """Prepares.

        Args:
            path: where, in a directory of mode 0700.
        """
        self._path = path

    async def open(self) -> asyncio.Server:
        """Listens from now on.

        Raises:
            OSError: it cannot be listened there.
        """
        return await asyncio.start_unix_server(self._come, sock=listen_on(self._path, replacing=True), limit=MAX_LINE)

    async def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        desk, relay = None, ""
        tasks: list[asyncio.Task[None]] = []
        answers: set[asyncio.Task[None]] = set()
        try:
            relay = identity(_peer(writer.get_extra_info("socket")))
            tasks.append(spawn(_live(writer), name="signs of life for the relay"))
            if not (line := await reader.readline()):
                return  # it only wanted to know whether anybody is here
            hello = parse(line)
            desk = Desk(uuid.UUID(hello["hello"]), lambda message: writer.write(encode(message)))
            account = session_uid(conf.current().session_user)
            writer.write(encode({"rules": rules_as_data(rules_in_force()), "account": account}))
            await desk.knows_again(hello["viewers"])
            tasks.append(spawn(desk.look_for_strays(), name="look for strays"))
            while line := await reader.readline():
                task = spawn(desk.answer(parse(line)), name="answer to the relay")
                answers.add(task)
                task.add_done_callback(answers.discard)
        except (BrokenPipeError, ConnectionResetError) as error:
            log.debug("a relay has hung up: %s", error)
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.error("a relay is sent away: %s", error)
        finally:
            if desk is not None:
                desk.close()
                spawn(desk.cut_if_ended(relay), name="end of a relay")
            for task in (*tasks, *answers):
                task.cancel()
            writer.close()


async def _live(writer: asyncio.StreamWriter) -> None:
    """Lets the relay tell an office that waits for the database from one that is paused."""
    while True:
        writer.write(encode({"alive": True}))
        await asyncio.sleep(ALIVE)


def _peer(connection: socket.socket) -> int:
    pid, uid = peer_of(connection)
    if uid != os.geteuid():
        raise PermissionError(f"uid {uid} asked; expected uid {os.geteuid()}")
    return pid
