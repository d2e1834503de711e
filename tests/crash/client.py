"""Somebody at a browser: tries again when a line is cut or nobody answers, and knows when a session is gone."""

from __future__ import annotations

import asyncio
import time

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from tests.crash.lines import OPEN_PATIENCE, Refused, Slot, open_screen, release, reserve
from tests.crash.site import NEXUS, CrashSite
from tests.crash.story import Story, Trouble

PATIENCE = 60.0
"""Seconds for which a client tries to come back to its session before it says that it is lost."""
PAUSE = 0.4
"""Seconds between two attempts, about as the viewer's page has it at first."""
GONE = frozenset({1000, 4001, 4004, 4008, 4009, 4010, 4011, 4013})
"""Close codes by which a viewer is told that it need not come back."""
FULL = 409


class Client:
    """One of them."""

    def __init__(self, name: str, site: CrashSite, story: Story) -> None:
        self.name = name
        self._site = site
        self._story = story

    async def reserve(self, type_name: str) -> Slot:
        """Takes a slot, as soon as there is one and somebody answers."""
        while True:
            try:
                return await reserve(self._site, type_name)
            except Refused as refusal:
                if refusal.status not in (FULL, 500, 502, 503):
                    self._tell(self._story.strange, "", f"a reservation was refused: {refusal}")
            except (OSError, EOFError):
                pass
            await asyncio.sleep(PAUSE)

    async def release(self, slot: Slot) -> None:
        """Stops the session, as soon as somebody answers."""
        self._story.stopped.add(slot.token)
        self._story.held.pop(slot.token, None)
        while True:
            try:
                await release(self._site, slot)
                return
            except Refused as refusal:
                if refusal.status < 500:
                    self._tell(self._story.strange, slot.token, f"a release was refused: {refusal}")
                    return
            except (OSError, EOFError):
                pass
            await asyncio.sleep(PAUSE)

    async def visit(self, slot: Slot, seconds: float, *, goodbye: bool = True, patience: float = PATIENCE) -> str:
        """Looks at a session for so long, coming back when the line is lost; returns why it is gone, or nothing."""
        deadline = time.monotonic() + patience
        answers: list[str] = []
        while time.monotonic() < deadline:
            began = time.monotonic()
            try:
                if await self._look(slot, seconds, goodbye=goodbye):
                    return ""
                # The line was lost after the screen had been seen: it comes back.
                deadline, answers = time.monotonic() + patience, []
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else 1006
                answers.append(f"{code} {closed.rcvd.reason if closed.rcvd else ''}".strip())
                if len(answers) > 1 and answers[-1] == answers[-2] and code in GONE:
                    return answers[-1]
            except InvalidStatus as refusal:
                answers.append(f"HTTP {refusal.response.status_code}")
                if answers[-2:] == [answers[-1]] * 2 and refusal.response.status_code in (401, 403, 404):
                    return answers[-1]
            except (OSError, EOFError, WebSocketException, AssertionError) as error:
                answers.append(f"{type(error).__name__} {error}")
            await asyncio.sleep(max(0.0, began + PAUSE - time.monotonic()))
        return f"not reached for {patience:g} s: {answers[-1] if answers else 'no answer'}"

    async def _look(self, slot: Slot, seconds: float, *, goodbye: bool) -> bool:
        """One line; raises when the screen is not seen, and returns whether it stayed."""
        story = self._story
        screen = await open_screen(self._site, slot)
        stayed = False
        try:
            async with asyncio.timeout(OPEN_PATIENCE):
                title = await screen.look(banner_only=slot.type_name == NEXUS)
            if title and title != f"{slot.type_name} #{slot.index}":
                self._tell(story.strange, slot.token, f"somebody else's screen was shown: {title}")
            if slot.token in story.seen:
                story.returns += 1
            story.seen.add(slot.token)
            if slot.token not in story.stopped:
                story.held[slot.token] = (self.name, slot.type_name)
            await screen.stay(seconds)
            if goodbye:
                await screen.close()
            stayed = True
        except ConnectionClosed:
            if slot.token not in story.seen:
                raise
            if screen.code in GONE:
                raise
        finally:
            screen.cut()
        return stayed

    def missed(self, slot: Slot, why: str) -> None:
        """A session that it did not stop is not there for it."""
        self._story.held.pop(slot.token, None)
        if slot.token in self._story.stopped:
            return
        known = slot.token in self._story.seen
        self._tell(self._story.lost if known else self._story.failed, slot.token, f"{slot.type_name}: {why}")

    def wonder(self, slot: Slot, what: str) -> None:
        """It saw what it should not have seen."""
        self._tell(self._story.strange, slot.token, what)

    def _tell(self, list_: list[Trouble], token: str, what: str) -> None:
        list_.append(Trouble(time.monotonic(), self.name, token, what))
