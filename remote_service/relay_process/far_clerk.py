"""The relay's clerk: asks an office, and another one when that is killed or paused.

Who waits for an answer then has it from the next one. Viewers keep what they had for as long as nobody answers, but no
longer than `MOST_UNKNOWN`.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from remote_service.hosting.wire import MAX_LINE, Message, encode, short_path
from remote_service.relay.clerk import MOST_UNKNOWN, ClerkError, NoPasswordError
from remote_service.relay.closing import CUT, Leaving
from remote_service.relay.own_services import Rules
from remote_service.relay.proof import Claim
from remote_service.relay.traffic import Carrier, Tally
from remote_service.relay.watch import GONE, NOTHING, Grant, Watch
from remote_service.relay_process.messages import (
    glimpse_from_data,
    grant_as_data,
    leaving_as_data,
    rules_from_data,
    traffic_as_data,
)
from remote_service.relay_process.offices import Offices, messages
from remote_service.rfb.policy import Policy
from remote_service.tasks import spawn

log = logging.getLogger(__name__)

REPORT = 1.0
"""Seconds between two reports of what viewers carry and do, and between two looks whether anybody answers."""
RETRY = 0.2
"""Seconds between two tries to reach an office."""
CONNECT_PATIENCE = 10.0
"""Seconds that a viewer which comes waits for an office."""
MOST_TRIES = 3
"""How many offices are asked the same; a question that kills who is asked must not kill all for ever."""
ANSWER_PATIENCE = 30.0
"""Seconds for one answer: longer than a database may keep a writer waiting."""


class HungUpError(ClerkError):
    """Who was asked has gone before it answered."""


class FarClerk:
    """Runs until its task is cancelled."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Prepares.

        Args:
            paths: the offices' sockets, the first choice first.
        """
        self.id = uuid.uuid4()
        self.tally = Tally()
        self._offices = Offices(paths)
        self._rules: Rules | None = None
        self._account = 0
        self._watches: dict[int, Watch] = {}
        self._left: dict[int, Leaving] = {}
        """Viewers that have left, of which the office has not heard, and how."""
        self._used: set[uuid.UUID] = set()
        self._reporting = asyncio.Lock()
        self._writer: asyncio.StreamWriter | None = None
        self._connected = asyncio.Event()
        self._answers: dict[int, asyncio.Future[Message]] = {}
        self._opening: dict[int, Grant] = {}
        """Viewers of whom the office has been told and has not answered, by the number of the call."""
        self._numbers = itertools.count(1)
        self._known = asyncio.get_running_loop().time()

    # ---- the connection ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keeps a connection to an office, and tells it what happens here."""
        reporting = spawn(self._report_for_ever(), name="reports to the office")
        try:
            while True:
                path = self._offices.next()
                try:
                    await self._talk(path)
                except (OSError, ValueError, KeyError, TypeError) as error:
                    log.debug("%s: another office is tried: %r", path.name, error)
                await asyncio.sleep(RETRY)
        finally:
            reporting.cancel()

    async def _talk(self, path: Path) -> None:
        with short_path(path) as name:
            reader, writer = await asyncio.open_unix_connection(name, limit=MAX_LINE)
        returning = spawn(self._return(writer), name="return to the first office")
        try:
            viewers = [[viewer_id, grant_as_data(watch.grant)] for viewer_id, watch in self._watches.items()]
            writer.write(encode({"hello": str(self.id), "viewers": viewers}))
            said = messages(reader)
            welcome: Message = await anext(said, {})
            self._rules, self._account = rules_from_data(welcome["rules"]), int(welcome["account"])
            self._writer = writer
            self._connected.set()
            async for message in said:
                self._hear(message)
        finally:
            returning.cancel()
            self._writer = None
            self._connected.clear()
            writer.close()
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(HungUpError("the office hung up"))

    async def _return(self, writer: asyncio.StreamWriter) -> None:
        await self._offices.first_is_back()
        writer.close()

    def _hear(self, message: Message) -> None:
        if "news" in message:
            self._known = asyncio.get_running_loop().time()
            for viewer_id, standing in message["news"]:
                if (watch := self._watches.get(viewer_id)) is not None:
                    _stand(watch, standing)
            return
        number = message["id"]
        if "viewer" in message:
            # Here, and not where the answer is awaited: the next line may be news of this viewer.
            if (grant := self._opening.get(number)) is not None:
                self._begin(int(message["viewer"]), grant, message["standing"])
            else:
                self._left[int(message["viewer"])] = CUT
        answer = self._answers.get(number)
        if answer is not None and not answer.done():
            answer.set_result(message)

    def _begin(self, viewer_id: int, grant: Grant, standing: Mapping[str, Any]) -> None:
        watch = self._watches[viewer_id] = Watch(grant, viewer_id, GONE, NOTHING)
        _stand(watch, standing)
        self._known = asyncio.get_running_loop().time()

    async def _call(self, what: str, opening: Grant | None = None, **more: Any) -> Message:
        try:
            async with asyncio.timeout(CONNECT_PATIENCE):
                await self._connected.wait()
        except TimeoutError:
            raise ClerkError("no office can be reached") from None
        assert self._writer is not None
        number = next(self._numbers)
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        if opening is not None:
            self._opening[number] = opening
        try:
            self._writer.write(encode({"id": number, "call": what, **more}))
            async with asyncio.timeout(ANSWER_PATIENCE):
                found: Message = await answer
        except TimeoutError:
            self._disown(answer)
            raise ClerkError(f"the office has not answered for {ANSWER_PATIENCE:g} s") from None
        except asyncio.CancelledError:
            self._disown(answer)
            raise
        finally:
            del self._answers[number]
            self._opening.pop(number, None)
        if error := found.get("error"):
            raise ClerkError(error)
        return found

    async def _insist(self, what: str, opening: Grant | None = None, **more: Any) -> Message:
        """Asks another office when the one that was asked has gone. What that one had opened is cut by the next."""
        for _ in range(MOST_TRIES - 1):
            with suppress(HungUpError):
                return await self._call(what, opening, **more)
        return await self._call(what, opening, **more)

    def _disown(self, answer: asyncio.Future[Message]) -> None:
        """Nobody waits any more for an answer that may have come at this moment, and may have opened a viewer."""
        if answer.done() and not answer.cancelled() and answer.exception() is None and "viewer" in answer.result():
            self._left[int(answer.result()["viewer"])] = CUT

    # ---- reports ----------------------------------------------------------------------------------------

    async def _report_for_ever(self) -> None:
        while True:
            await asyncio.sleep(REPORT)
            if self._connected.is_set() and not self._reporting.locked():
                spawn(self._report(), name="report to the office")
            self._give_up_when_unknown()

    def _give_up_when_unknown(self) -> None:
        """Has viewers go of whom nobody has said for too long that they may stay."""
        if asyncio.get_running_loop().time() - self._known > MOST_UNKNOWN:
            for watch in self._watches.values():
                watch.unknown = True
                watch.changed.set()

    async def _report(self) -> None:
        """Tells what is new; what could not be told is told the next time.

        One at a time: of hundreds that leave at once each would tell of all the others too.
        """
        async with self._reporting:
            await self._report_once()

    async def _report_once(self) -> None:
        used, self._used = self._used, set()
        left = dict(self._left)
        traffic = self.tally.unwritten()
        if not (used or left or traffic):
            return
        try:
            await self._call(
                "report",
                input=[str(session_id) for session_id in used],
                left=[[viewer_id, *leaving_as_data(leaving)] for viewer_id, leaving in left.items()],
                traffic=[[viewer_id, traffic_as_data(found)] for viewer_id, found in traffic.items()],
            )
        except ClerkError as error:
            self._used |= used
            log.debug("a report is made up for: %s", error)
            return
        self.tally.wrote(traffic)
        for viewer_id in left:
            self._left.pop(viewer_id, None)
            self._watches.pop(viewer_id, None)

    async def last_report(self) -> None:
        """Tells what is left to be told, when the relay stops."""
        if self._connected.is_set():
            await self._report()

    # ---- Clerk ------------------------------------------------------------------------------------------

    @property
    def rules(self) -> Rules:
        """Those that the office named."""
        assert self._rules is not None, "nobody is served before the office was reached"
        return self._rules

    async def open_viewer(self, grant: Grant) -> Watch:
        """See `Clerk`."""
        answer = await self._insist("open", grant, grant=grant_as_data(grant))
        return self._watches[int(answer["viewer"])]

    async def close_viewer(self, watch: Watch, leaving: Leaving) -> None:
        """See `Clerk`."""
        self.tally.end(watch.viewer_id)
        self._left[watch.viewer_id] = leaving
        if self._connected.is_set():
            await self._report()

    def carries(self, watch: Watch, carrier: Carrier) -> None:
        """See `Clerk`."""
        self.tally.begin(watch.viewer_id, carrier)

    def input_seen(self, session_id: uuid.UUID) -> None:
        """See `Clerk`."""
        self._used.add(session_id)

    async def password_of(self, session_id: uuid.UUID) -> str | None:
        """See `Clerk`."""
        answer = await self._insist("password", session=str(session_id))
        if "fault" in answer:
            raise NoPasswordError(answer["fault"])
        found: str | None = answer["password"]
        return found

    def claim_of(self, watch: Watch) -> Claim:
        """See `Clerk`."""
        glimpse = watch.glimpse
        return Claim(str(watch.grant.session_id), self._account, glimpse.hosts, glimpse.elsewhere)

    async def unprotected(self, session_id: uuid.UUID, where: str) -> None:
        """See `Clerk`."""
        try:
            await self._insist("unprotected", session=str(session_id), where=where)
        except ClerkError as error:
            log.debug("the next viewer tells it: %s", error)

    async def viewer_refused(self, watch: Watch, why: str) -> None:
        """See `Clerk`."""
        await self._insist("refused", viewer=watch.viewer_id, why=why)

    async def endpoint_lost(self, watch: Watch, why: str, *, fatal: bool, refused: bool) -> None:
        """See `Clerk`."""
        await self._insist("lost", viewer=watch.viewer_id, why=why, fatal=fatal, refused=refused)


def _stand(watch: Watch, standing: Mapping[str, Any]) -> None:
    """Has a watch show how things stand."""
    watch.glimpse = glimpse_from_data(standing["glimpse"])
    watch.policy = Policy(**standing["policy"])
    watch.withdrawn = bool(standing["withdrawn"])
    watch.changed.set()
