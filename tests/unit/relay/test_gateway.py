"""The gateway's heartbeat and its eye on sessions, with rows that are only remembered."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import OperationalError

from remote_service import lifecycle, nudges
from remote_service.actors import Actor
from remote_service.errors import NotAllowedError
from remote_service.relay import book, closing, grants, rows, visits
from remote_service.relay import gateway as module
from remote_service.relay.clerk import ClerkError, NoPasswordError
from remote_service.relay.closing import CLEAN, CUT, Leaving
from remote_service.relay.gateway import GatewayProcess, gateway
from remote_service.relay.grants import Admission
from remote_service.relay.proof import Claim
from remote_service.relay.traffic import Traffic
from remote_service.relay.visits import Parting, Visit
from remote_service.relay.watch import GONE, Glimpse, Grant, Watch
from remote_service.rfb.policy import Policy
from remote_service.sealing import SealError, seal
from remote_service.states import EndReason, State
from remote_service.tasks import spawn
from tests.waiting import eventually_async

SESSION = uuid.uuid4()
RUNNING = Glimpse(State.RUNNING, "", "")


def grant(session: uuid.UUID = SESSION, login: str = "alice's") -> Grant:
    return Grant(session, 1, login, Actor("alice", "192.0.2.7", "websocket"))


@dataclass
class Rows:
    """What the database would hold; `broken` makes it unreachable."""

    glimpses: dict[uuid.UUID, Glimpse] = field(default_factory=lambda: {SESSION: Glimpse(State.RESERVED, "", "")})
    policy: Policy = field(default_factory=Policy)
    bad_logins: set[str] = field(default_factory=set)
    viewers: list[int] = field(default_factory=list)
    closed: dict[int, Leaving] = field(default_factory=dict)
    written: list[int] = field(default_factory=list)
    beats: list[tuple[uuid.UUID, set[uuid.UUID], list[int]]] = field(default_factory=list)
    notes: list[tuple[Any, ...]] = field(default_factory=list)
    stops: list[tuple[Any, ...]] = field(default_factory=list)
    first: bool = True
    known_unprotected: bool = False
    password_fault: Exception | None = None
    sealed: str = ""
    carried: dict[int, Traffic] = field(default_factory=dict)
    looks: int = 0
    broken: bool = False

    def _reach(self) -> None:
        if self.broken:
            raise OperationalError("database is locked")

    def admit(self, scope: dict[str, Any]) -> Admission:
        if scope["asked"] is None:
            raise NotAllowedError("no")
        return self.admit_again(scope["asked"])

    def admit_again(self, asked: Grant) -> Admission:
        self._reach()
        return Admission(asked, self.glimpses[asked.session_id], self.policies({asked}).get(asked), "X", self.sealed)

    def write(
        self,
        gateway_id: uuid.UUID,
        came: Sequence[Callable[[], Admission]],
        left: Mapping[int, Leaving],
        traffic: Mapping[int, Traffic],
    ) -> tuple[list[Visit], set[Parting]]:
        self._reach()
        self.carried.update(traffic)
        for viewer_id, leaving in left.items():
            self.written.append(viewer_id)
            self.closed[viewer_id] = self.closed.get(viewer_id, leaving).completed_by(leaving)
        found = []
        for decide in came:
            self.viewers.append(len(self.viewers) + 1)
            found.append(Visit(self.viewers[-1], decide()))
        return found, {Parting(SESSION, soon=False)} if left else set()

    def beat(self, gateway_id: uuid.UUID, used: Collection[uuid.UUID], viewers: Collection[int]) -> None:
        self._reach()
        self.beats.append((gateway_id, set(used), sorted(viewers)))

    def look(self, grants: Collection[Grant]) -> tuple[dict[uuid.UUID, Glimpse], dict[Grant, Policy]]:
        self.looks += 1
        self._reach()
        return dict(self.glimpses), self.policies(grants)

    def is_first_viewer(self, viewer_id: int) -> bool:
        self._reach()
        return self.first

    def strays(self, gateway_id: uuid.UUID, viewers: Collection[int]) -> list[int]:
        self._reach()
        return [viewer for viewer in self.viewers if viewer not in viewers]

    def mark_unprotected(self, session_id: uuid.UUID, where: str) -> bool:
        self._reach()
        return not self.known_unprotected

    def password_of(self, session_id: uuid.UUID) -> str | None:
        self._reach()
        if self.password_fault is not None:
            raise self.password_fault
        return "secret12"

    def policies(self, grants: Collection[Grant]) -> dict[Grant, Policy]:
        return {asked: self.policy for asked in grants if asked.login not in self.bad_logins}


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Rows:
    found = Rows()
    monkeypatch.setattr(visits, "write", found.write)
    for asks in (module, book):
        monkeypatch.setattr(asks, "close_old_connections", lambda: None)
    monkeypatch.setattr(grants, "admit", found.admit)
    monkeypatch.setattr(grants, "admit_again", found.admit_again)
    for name in ("beat", "look", "is_first_viewer", "mark_unprotected", "password_of", "strays"):
        monkeypatch.setattr(rows, name, getattr(found, name))
    monkeypatch.setattr(rows, "session_uid", lambda _account: 4711)
    monkeypatch.setattr(lifecycle, "note", lambda *what, **more: found.notes.append((*what, more["why"])))
    monkeypatch.setattr(
        lifecycle, "note_refusal", lambda session, why, _actor, what: found.notes.append((session, what, why))
    )
    monkeypatch.setattr(lifecycle, "ask_to_stop", lambda *what: found.stops.append(what))
    monkeypatch.setattr(module, "HEARTBEAT", 0.01)
    monkeypatch.setattr(module, "LOOK", 0.01)
    return found


@pytest.fixture
def slow_looks(database: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a nudge makes the gateway look again."""
    monkeypatch.setattr(module, "LOOK", 60.0)


async def test_an_event_loop_has_one_gateway() -> None:
    assert gateway() is gateway()


def test_every_event_loop_has_a_gateway_of_its_own() -> None:
    async def which() -> uuid.UUID:
        return gateway().id

    assert asyncio.run(which()) != asyncio.run(which())


async def test_it_beats_from_the_first_viewer_on(database: Rows) -> None:
    process = GatewayProcess()
    assert database.beats == []

    first, second = await process.open_viewer(grant()), await process.open_viewer(grant())
    await eventually_async(lambda: (process.id, set(), [first.viewer_id, second.viewer_id]) in database.beats)

    await process.close_viewer(second, CLEAN)
    await eventually_async(lambda: database.beats[-1] == (process.id, set(), [first.viewer_id]))


async def test_input_is_written_with_the_next_beat_and_only_with_that(database: Rows) -> None:
    process = GatewayProcess()
    watch = await process.open_viewer(grant())

    process.input_seen(SESSION)
    process.input_seen(SESSION)

    await eventually_async(lambda: (process.id, {SESSION}, [watch.viewer_id]) in database.beats)
    await eventually_async(lambda: database.beats[-1][1] == set())
    assert [used for _, used, _ in database.beats].count({SESSION}) == 1


async def test_a_viewer_waits_until_its_session_is_as_it_hopes(database: Rows) -> None:
    process = GatewayProcess()
    watch = await process.open_viewer(grant())
    assert watch.glimpse.state is State.RESERVED

    database.glimpses[SESSION] = RUNNING
    await watch.until(lambda w: w.glimpse.state is State.RUNNING)

    assert watch.glimpse == RUNNING


async def test_two_may_wait_for_different_things_at_one_viewer(database: Rows) -> None:
    process = GatewayProcess()
    watch = await process.open_viewer(grant())
    running = spawn(watch.until(lambda w: w.glimpse.state is State.RUNNING), name="running")
    ended = spawn(watch.until(lambda w: w.glimpse.state is State.ENDED), name="ended")

    database.glimpses[SESSION] = RUNNING
    await asyncio.wait_for(running, 5)
    assert not ended.done()
    database.glimpses[SESSION] = Glimpse(State.ENDED, "user", "")
    await asyncio.wait_for(ended, 5)


async def test_who_is_admitted_is_written_once(database: Rows) -> None:
    process = GatewayProcess()

    granted = await process.admit({"asked": grant()})
    assert (granted, database.viewers) == (grant(), [1])
    watch = await process.open_viewer(granted)

    assert (watch.viewer_id, database.viewers) == (1, [1])
    assert process.watches == [watch]
    assert (await process.open_viewer(granted)).viewer_id == 2


async def test_who_is_refused_is_not_written(database: Rows) -> None:
    process = GatewayProcess()

    with pytest.raises(NotAllowedError, match=r"^no$"):
        await process.admit({"asked": None})

    assert process.watches == []


async def test_who_is_admitted_and_does_not_come_has_left(database: Rows) -> None:
    process = GatewayProcess()
    granted = await process.admit({"asked": grant()})

    await process.forget(granted)
    await process.forget(granted)

    assert (database.closed, process.watches) == ({1: CUT}, [])


@pytest.mark.usefixtures("slow_looks")
async def test_that_its_own_viewers_come_and_leave_is_no_reason_to_look(database: Rows) -> None:
    process = GatewayProcess()
    await process.open_viewer(grant())
    await eventually_async(lambda: database.looks == 1)

    await process.close_viewer(await process.open_viewer(grant()), CLEAN)
    async with nudges.hearing(nudges.GATEWAY_GROUP) as heard:
        await process.close_viewer(await process.open_viewer(grant()), CLEAN)
        await asyncio.wait_for(heard.wait(), 5)  # others hear of it

    assert database.looks == 1


@pytest.mark.usefixtures("slow_looks")
async def test_it_looks_when_a_session_changes_while_a_viewer_comes(
    database: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = GatewayProcess()
    await process.open_viewer(grant())
    await eventually_async(lambda: database.looks == 1)
    loop = asyncio.get_running_loop()

    def change_behind_it(asked: Grant) -> Admission:
        found = database.admit_again(asked)
        database.glimpses[SESSION] = RUNNING
        asyncio.run_coroutine_threadsafe(nudges.send(nudges.GATEWAY_GROUP, SESSION), loop).result(5)
        return found

    monkeypatch.setattr(grants, "admit_again", change_behind_it)
    watch = await process.open_viewer(grant())

    await asyncio.wait_for(watch.until(lambda w: w.glimpse.state is State.RUNNING), 5)


@pytest.mark.usefixtures("slow_looks")
async def test_a_nudge_makes_it_look_at_once(database: Rows) -> None:
    process = GatewayProcess()
    watch = await process.open_viewer(grant())
    # Its coming is a reason to look, since the session may have changed between its row and its watch.
    await eventually_async(lambda: database.looks == 1)

    database.glimpses[SESSION] = RUNNING
    await nudges.send(nudges.GATEWAY_GROUP, SESSION)

    await asyncio.wait_for(watch.until(lambda w: w.glimpse.state is State.RUNNING), 5)


async def test_a_session_that_is_not_there_any_more_has_gone(database: Rows) -> None:
    process = GatewayProcess()
    watch = await process.open_viewer(grant())

    database.glimpses.clear()

    await watch.until(lambda w: w.glimpse == GONE)


async def test_only_the_viewers_whose_right_has_ended_are_told_so(database: Rows) -> None:
    process = GatewayProcess()
    alices, bobs = await process.open_viewer(grant()), await process.open_viewer(grant(login="bob's"))

    database.bad_logins.add("bob's")

    await bobs.until(lambda w: w.withdrawn)
    assert not alices.withdrawn


async def test_without_viewers_it_does_not_look(database: Rows) -> None:
    process = GatewayProcess()
    watch = await process.open_viewer(grant())
    await eventually_async(lambda: database.looks > 1)

    await process.close_viewer(watch, CLEAN)
    before, beats = database.looks, len(database.beats)
    await eventually_async(lambda: len(database.beats) > beats + 5)

    assert database.looks <= before + 1, "one look may have been under way"


@pytest.mark.parametrize("leaving", [CLEAN, CUT, Leaving(clean=False, close_code=4001)])
async def test_a_viewer_that_leaves_is_written(database: Rows, leaving: Leaving) -> None:
    process = GatewayProcess()
    watch = await process.open_viewer(grant())

    await process.close_viewer(watch, leaving)

    assert database.closed == {watch.viewer_id: leaving}


async def test_viewers_in_its_name_that_nobody_knows_are_cut(database: Rows) -> None:
    gate = GatewayProcess()
    database.viewers = [1, 2, 3]
    assert await gate.cut_all_but([2]) == [1, 3]
    assert database.closed == {1: CUT, 3: CUT}


async def test_of_those_among_which_it_is_asked_to_look_alone(database: Rows) -> None:
    gate = GatewayProcess()
    database.viewers = [1, 2, 3]
    assert await gate.cut_all_but([2], ()) == [1, 3]
    assert database.closed == {}
    assert await gate.cut_all_but([2], [3]) == [1, 3]
    assert database.closed == {3: CUT}
    database.broken = True
    with pytest.raises(ClerkError):
        await gate.cut_all_but([2])


async def test_a_viewer_whose_endpoint_hung_up_is_written_as_cut_while_it_stays(
    database: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    process = GatewayProcess()
    watch = await process.open_viewer(grant())

    await process.endpoint_lost(watch, "tcp:n8:5901 cannot be reached.", fatal=False, refused=False)
    database.glimpses[SESSION] = Glimpse(State.ENDED, "program_ended", "")
    await watch.until(lambda w: w.glimpse.state is State.ENDED)
    await process.close_viewer(watch, Leaving(clean=True, close_code=1000))

    assert database.closed == {watch.viewer_id: Leaving(clean=False, close_code=1000)}
    assert (database.stops, database.notes) == ([], [])
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == [f"session {SESSION}: tcp:n8:5901 cannot be reached."]


async def test_that_a_program_hung_up_is_no_reason_to_worry(database: Rows, caplog: pytest.LogCaptureFixture) -> None:
    process = GatewayProcess()
    watch = await process.open_viewer(grant())

    with caplog.at_level(logging.INFO):
        await process.endpoint_lost(watch, closing.SCREEN_CLOSED, fatal=False, refused=False)

    said = [(record.levelno, record.message) for record in caplog.records if "screen" in record.message]
    assert said == [(logging.INFO, f"session {SESSION}: The session's screen closed the connection.")]


async def test_a_first_viewer_without_a_screen_ends_its_session(database: Rows) -> None:
    process = GatewayProcess()
    watch = await process.open_viewer(grant())

    await process.endpoint_lost(watch, "No RFB.", fatal=True, refused=False)

    assert database.notes == [(SESSION, "endpoint lost", "No RFB.")]
    assert database.stops == [(SESSION, EndReason.ENDPOINT_LOST, watch.grant.actor, "No RFB.")]


async def test_one_whose_endpoint_is_refused_does_so_too_and_that_is_an_event(database: Rows) -> None:
    process = GatewayProcess()
    watch = await process.open_viewer(grant())

    await process.endpoint_lost(watch, "It is another's.", fatal=True, refused=True)

    assert database.notes == [(SESSION, "endpoint refused", "It is another's.")]
    assert database.stops == [(SESSION, EndReason.ENDPOINT_REFUSED, watch.grant.actor, "It is another's.")]


@pytest.mark.parametrize("refused", [False, True])
async def test_what_a_later_viewer_meets_does_not_end_the_work_of_an_earlier_one(database: Rows, refused: bool) -> None:
    database.first = False
    process = GatewayProcess()
    watch = await process.open_viewer(grant())

    await process.endpoint_lost(watch, "No.", fatal=True, refused=refused)

    assert database.stops == []
    assert database.notes == [(SESSION, "endpoint refused", "No.")] * refused


async def test_a_viewer_that_cannot_be_filtered_is_an_event(database: Rows) -> None:
    process = GatewayProcess()
    watch = await process.open_viewer(grant())

    await process.viewer_refused(watch, "It is no VNC.")

    assert database.notes == [(SESSION, "viewer refused", "It is no VNC.")]


@pytest.mark.parametrize("known", [False, True])
async def test_a_vnc_server_that_lets_everybody_in_is_warned_of_once(
    database: Rows, caplog: pytest.LogCaptureFixture, known: bool
) -> None:
    database.known_unprotected = known

    await GatewayProcess().unprotected(SESSION, "tcp:127.0.0.1:5901")

    warning = (
        f"session {SESSION}: the VNC server at tcp:127.0.0.1:5901 asks for no password: whoever reaches that port is "
        "let in"
    )
    assert [record.message for record in caplog.records if record.levelno == logging.WARNING] == [warning] * (not known)


async def test_that_it_cannot_be_written_is_no_matter(database: Rows) -> None:
    database.broken = True

    await GatewayProcess().unprotected(SESSION, "tcp:127.0.0.1:5901")


async def test_a_password_is_fetched_and_one_that_cannot_be_opened_is_none(database: Rows) -> None:
    assert await GatewayProcess().password_of(SESSION) == "secret12"

    database.password_fault = SealError("another key")
    with pytest.raises(NoPasswordError, match=r"^another key$"):
        await GatewayProcess().password_of(SESSION)


async def test_of_a_session_that_ran_when_its_viewer_came_nobody_asks_again_for_the_password(database: Rows) -> None:
    process = GatewayProcess()
    database.glimpses[SESSION] = RUNNING
    database.sealed = seal("hers")
    watch = await process.open_viewer(grant())

    assert await process.password_of(SESSION) == "hers"

    await process.close_viewer(watch, CLEAN)
    assert await process.password_of(SESSION) == "secret12"


async def test_one_that_is_known_and_cannot_be_opened_is_none(database: Rows) -> None:
    process = GatewayProcess()
    database.glimpses[SESSION] = RUNNING
    database.sealed = "of another key"
    await process.open_viewer(grant())

    with pytest.raises(NoPasswordError, match=r"^It was sealed|SECRET_KEY"):
        await process.password_of(SESSION)


async def test_a_session_that_runs_without_one_has_none(database: Rows) -> None:
    process = GatewayProcess()
    database.glimpses[SESSION] = RUNNING
    await process.open_viewer(grant())

    assert await process.password_of(SESSION) is None


async def test_an_endpoint_is_judged_for_its_session_alone(database: Rows) -> None:
    watch = Watch(grant(), 1, Glimpse(State.RUNNING, "", "", hosts=("n8",), elsewhere="n9"), Policy())

    assert GatewayProcess().claim_of(watch) == Claim(str(SESSION), 4711, ("n8",), "n9")


async def test_viewers_go_when_nobody_has_known_for_too_long_whether_they_may_stay(
    database: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_UNKNOWN", 0.05)
    process = GatewayProcess()
    watch = await process.open_viewer(grant())
    await eventually_async(lambda: database.looks > 3)
    assert not watch.unknown

    database.broken = True

    await watch.until(lambda w: w.unknown)


async def test_whoever_asks_it_hears_of_every_look(database: Rows) -> None:
    heard: list[None] = []
    process = GatewayProcess(uuid.UUID(int=7), lambda: heard.append(None))
    process.watch_again(Watch(grant(), 5, RUNNING, Policy()))

    await eventually_async(lambda: len(heard) > 1)
    await eventually_async(lambda: (uuid.UUID(int=7), set(), [5]) in database.beats)

    process.end()


async def test_a_database_out_of_reach_cuts_nobodys_line(database: Rows, caplog: pytest.LogCaptureFixture) -> None:
    process = GatewayProcess()
    watch = await process.open_viewer(grant())
    process.input_seen(SESSION)

    database.broken = True
    looks = database.looks
    await eventually_async(lambda: database.looks > looks + 3)
    assert not watch.withdrawn
    assert watch.glimpse.state is State.RESERVED

    database.broken = False
    database.glimpses[SESSION] = RUNNING
    await watch.until(lambda w: w.glimpse.state is State.RUNNING)
    await eventually_async(lambda: any(used == {SESSION} for _, used, _ in database.beats))
    assert "the gateway could not reach the database: database is locked" in caplog.messages
    assert all(record.levelno <= logging.WARNING for record in caplog.records)


async def test_a_viewer_that_leaves_meanwhile_is_written_later(database: Rows) -> None:
    process = GatewayProcess()
    stays, leaves = await process.open_viewer(grant()), await process.open_viewer(grant())

    database.broken = True
    await process.close_viewer(leaves, CLEAN)
    assert database.closed == {}
    database.broken = False

    await eventually_async(lambda: database.closed == {leaves.viewer_id: CLEAN})
    assert not stays.withdrawn


async def test_a_viewer_cannot_come_meanwhile(database: Rows) -> None:
    process = GatewayProcess()
    database.broken = True

    with pytest.raises(ClerkError, match=r"^the database cannot be reached: database is locked$"):
        await process.open_viewer(grant())

    database.broken = False
    assert (await process.open_viewer(grant())).viewer_id == 1


async def test_of_many_that_leave_at_once_each_is_written_once(database: Rows) -> None:
    process = GatewayProcess()
    watches = [await process.open_viewer(grant()) for _ in range(30)]

    await asyncio.gather(*(process.close_viewer(watch, CLEAN) for watch in watches))

    assert database.written == [watch.viewer_id for watch in watches]
