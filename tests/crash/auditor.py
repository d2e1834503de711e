"""Compares what the database says, what really runs and listens, what clients saw, and which calls scripts got."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from remote_service.hosting.listening import listens
from remote_service.states import TRANSITIONS, EndReason, Event, State
from tests.crash.processes import Process, processes
from tests.crash.rows import Row, Step, history, rows
from tests.crash.site import BROKEN, CrashSite
from tests.crash.story import Kill, Story
from tests.integration.leftovers import scratch

SETTLES_WITHIN = 60.0
"""Seconds after the last kill."""
LOOK_EVERY = 1.0
SECOND_LOOK = 0.3
WITHOUT_CLIENT = (EndReason.RESERVATION_EXPIRED, EndReason.NEVER_VIEWED)
"""Why what nobody has heard of ends: the answer to its reservation was cut off."""


@dataclass(slots=True)
class Verdict:
    """What was found, a line each; all of it must be empty."""

    lost: list[str] = field(default_factory=list)
    """Sessions that their clients had not stopped, and that were not there for them."""
    leaked: list[str] = field(default_factory=list)
    """Processes, sockets and folders of what is over."""
    double: list[str] = field(default_factory=list)
    """Two sessions that ran in one slot at the same time, or a session that was started twice."""
    wrong: list[str] = field(default_factory=list)
    """What a row, a script's mark or a client says, and is not so."""


class Auditor:
    """Looks at everything; changes nothing."""

    def __init__(self, site: CrashSite, story: Story) -> None:
        self._site = site
        self._story = story
        self.verdict = Verdict()
        self._heard_of: set[str] = set()
        """Hashes of the tokens of sessions that a client has stopped, as each does with what it has heard of."""

    # ---- all the time -----------------------------------------------------------------------------------

    async def watch_slots(self) -> None:
        """Looks again and again whether two sessions run in one slot; never returns."""
        while True:
            await asyncio.to_thread(self._look_at_slots)
            await asyncio.sleep(LOOK_EVERY)

    def _look_at_slots(self) -> None:
        first = self._working()
        if not self._shared(first):
            return
        time.sleep(SECOND_LOOK)
        for slot, sessions in self._shared(first & self._working()).items():
            self.verdict.double.append(f"{' and '.join(sorted(sessions))} run in the slot {slot}")

    def _working(self) -> set[str]:
        """Sessions of which programs run; a runner that only waits to be dismissed is none."""
        return {each.session for each in processes(self._site.root) if each.session and each.kind != "runner"}

    def _shared(self, working: set[str]) -> dict[str, set[str]]:
        slots = defaultdict(set)
        for row in rows(self._site).values():
            if row.id in working:
                slots[f"{row.type_name} #{row.index}"].add(row.id)
        return {slot: sessions for slot, sessions in slots.items() if len(sessions) > 1}

    # ---- while sessions still run -----------------------------------------------------------------------

    async def settled(self) -> None:
        """Waits until nothing is on its way any more; what is after that long stands still."""
        deadline = time.monotonic() + SETTLES_WITHIN
        while moving := [row for row in rows(self._site).values() if _moves(row)]:
            if time.monotonic() > deadline:
                self.verdict.wrong += [f"it does not go on: {row}" for row in moving]
                return
            await asyncio.sleep(0.5)

    def compare_living(self) -> None:
        """Rows, processes, sockets and clients, as long as clients have sessions."""
        found = rows(self._site)
        living = processes(self._site.root)
        by_session: dict[str, list[Process]] = defaultdict(list)
        for process in living:
            by_session[process.session].append(process)
        self._leaks(found.values(), by_session)
        for row in found.values():
            kinds = Counter(process.kind for process in by_session[row.id])
            if row.state is State.RUNNING:
                if (kinds["runner"], kinds["worker"]) != (1, 1):
                    self.verdict.wrong.append(f"it has {dict(kinds)}: {row}")
                if row.endpoint is None or not listens(row.endpoint):
                    self.verdict.wrong.append(f"nothing listens at {row.endpoint}: {row}")
        by_hash = {row.token_hash: row for row in found.values()}
        for token, (client, _type) in self._story.held.items():
            row = by_hash[_hash(token)]
            if row.state is not State.RUNNING:
                self.verdict.lost.append(f"{client} believes to have {row}")

    # ---- when all is over -------------------------------------------------------------------------------

    def compare_ended(self, ended: dict[str, int | None]) -> None:
        """The same when everybody has left and both services were stopped, and the story as a whole."""
        found = rows(self._site)
        self.verdict.wrong += [f"{name} ended with {status}" for name, status in ended.items() if status != 0]
        left = processes(self._site.root)
        self.verdict.leaked += [f"{process} is left" for process in left]
        self._leaks(found.values(), {})
        self._judge_clients(found)
        steps = history(self._site)
        marks = Marks(self._site.marks_file)
        self._heard_of = {_hash(token) for token in self._story.stopped}
        for row in found.values():
            self._judge_row(row, steps[row.id])
            self._judge_marks(row, steps[row.id], marks)

    def _leaks(self, all_rows: Iterable[Row], by_session: dict[str, list[Process]]) -> None:
        for row in all_rows:
            if row.over:
                self.verdict.leaked += [f"{process} of {row}" for process in by_session.get(row.id, ())]
                self.verdict.leaked += [f"directory {path} of {row}" for path in scratch(row.id)]
                path = self._site.state / "run" / f"{row.id.replace('-', '')}.sock"
                self.verdict.leaked += [f"socket {path} of {row}"] if path.exists() else []

    def _judge_clients(self, found: dict[str, Row]) -> None:
        by_hash = {row.token_hash: row for row in found.values()}
        story = self._story
        for trouble in (*story.lost, *story.failed):
            row = by_hash.get(_hash(trouble.token))
            seen = "" if trouble in story.lost else " (nobody had seen it yet)"
            self.verdict.lost.append(f"{trouble.client} at {trouble.at:.1f}: {trouble.what}{seen}: {row}")
        self.verdict.wrong += [f"{each.client} at {each.at:.1f}: {each.what}" for each in story.strange]

    def _judge_row(self, row: Row, steps: list[Step]) -> None:
        if not _is_path(row, steps):
            self.verdict.wrong.append(f"its history is no way through the table: {steps} of {row}")
        heard_of = row.token_hash in self._heard_of
        if not row.over:
            # A reservation of which nobody has heard, since the answer was cut off, is dropped when its time is over.
            if heard_of or row.state is not State.RESERVED:
                self.verdict.wrong.append(f"it is not over: {row}")
        elif row.end_reason not in self._expected(row):
            self.verdict.wrong.append(f"it ended for another reason than its client's: {row}")
        if row.quarantined:
            self.verdict.wrong.append(f"its slot is in quarantine: {row}")

    def _expected(self, row: Row) -> set[EndReason]:
        if row.type_name == BROKEN:
            return {EndReason.START_FAILED, EndReason.RELEASED, *WITHOUT_CLIENT}
        return {EndReason.RELEASED} if row.token_hash in self._heard_of else set(WITHOUT_CLIENT)

    def _judge_marks(self, row: Row, steps: list[Step], marks: Marks) -> None:
        starts, stops = marks.of(row.id, "start"), marks.of(row.id, "stop")
        if len(starts) > 1:
            self.verdict.double.append(f"start() was called {len(starts)} times: {row}")
        if any(step.end == State.RUNNING for step in steps) and not starts:
            self.verdict.wrong.append(f"start() was never called: {row}")
        if starts and not stops:
            self.verdict.wrong.append(f"stop() was never called: {row}")
        if len(stops) > 1 and not self._killed_in_call(row, stops[0]):
            self.verdict.wrong.append(f"stop() was called {len(stops)} times: {row}")

    def _killed_in_call(self, row: Row, began: float) -> bool:
        """Whether what made the call was killed after it had begun, which is the one excuse for calling again."""
        return any(kill.session == row.id and kill.at >= began for kill in self._story.kills)


class Marks:
    """The calls that scripts got, as they wrote them down."""

    def __init__(self, file: Path) -> None:
        self._at: dict[tuple[str, str], list[float]] = defaultdict(list)
        for line in file.read_text().splitlines() if file.exists() else ():
            call, session, _pid, at = line.split()
            self._at[call, session].append(float(at))

    def of(self, session: str, call: str) -> list[float]:
        """When it was made."""
        return self._at[call, session]


def _moves(row: Row) -> bool:
    """Whether something is being done with it; a reservation waits for its client, or for its end."""
    if row.over:
        return False
    return row.unknown or row.wanted == "stop" or row.state not in (State.RUNNING, State.RESERVED)


def _is_path(row: Row, steps: list[Step]) -> bool:
    state = State.RESERVED
    for step in steps:
        if step.begin != state or TRANSITIONS[state].get(Event(step.what)) != step.end:
            return False
        state = State(step.end)
    return state is row.state


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def kinds(kills: Iterable[Kill]) -> Counter[str]:
    """How many of each."""
    return Counter(kill.kind for kill in kills)
