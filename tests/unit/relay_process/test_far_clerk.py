"""The relay's clerk asks an office at a Unix socket, and lives on while that one is away; the test is the office."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from remote_service.hosting.wire import encode, parse
from remote_service.relay.clerk import MOST_UNKNOWN, ClerkError, NoPasswordError
from remote_service.relay.closing import CLEAN, CUT
from remote_service.relay.proof import Claim
from remote_service.relay.traffic import Traffic
from remote_service.relay.watch import GONE, Watch
from remote_service.relay_process import far_clerk as module
from remote_service.relay_process import offices
from remote_service.relay_process.far_clerk import FarClerk
from remote_service.relay_process.messages import glimpse_as_data, grant_as_data, rules_as_data
from remote_service.rfb.policy import Policy
from remote_service.tasks import spawn
from tests.unit.relay_process.played import GRANT, RULES, RUNNING, SESSION, gone, standing
from tests.waiting import eventually_async

Message = dict[str, Any]
VIEWER = 12


class Office:
    """The supervisor's process as the relay meets it; what it hears is answered by the test."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.hellos: list[Message] = []
        self.calls: asyncio.Queue[Message] = asyncio.Queue()
        self.welcome: bytes = encode({"rules": rules_as_data(RULES), "account": 4711})
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def opens(self) -> None:
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._come, self.path)

    async def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self.hellos.append(parse(await reader.readline()))
        writer.write(self.welcome)
        if not self.welcome:
            writer.close()
        while line := await reader.readline():
            self.calls.put_nowait(parse(line))
        writer.close()

    def closes(self) -> None:
        """It dies; who calls meanwhile finds nobody."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.path.unlink(missing_ok=True)
        for writer in self._writers:
            writer.close()

    def says(self, *messages: Message) -> None:
        """In one write, which is read at once."""
        self._writers[-1].write(b"".join(encode(message) for message in messages))

    async def hears(self, what: str) -> Message:
        """The next call, which is of this kind."""
        async with asyncio.timeout(5.0):
            call = await self.calls.get()
        assert call["call"] == what, call
        return call

    async def answers(self, what: str, **found: Any) -> Message:
        call = await self.hears(what)
        self.says({"id": call["id"], **found})
        return call


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    made = Office(tmp_path / "office.sock")
    await made.opens()
    yield made
    made.closes()


@pytest.fixture
async def clerk(office: Office, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FarClerk]:
    """A clerk that is connected, and reports only when it is told to."""
    monkeypatch.setattr(module, "RETRY", 0.001)
    monkeypatch.setattr(module, "REPORT", 60.0)
    # Tests move the clock, and the office that they play gives no sign of life.
    monkeypatch.setattr(offices, "SILENCE", 600.0)
    made = FarClerk([office.path])
    running = spawn(made.run(), name="clerk")
    await eventually_async(made._connected.is_set)
    yield made
    running.cancel()
    await asyncio.wait({running})


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECT_PATIENCE", 0.01)
    monkeypatch.setattr(module, "ANSWER_PATIENCE", 0.01)


async def opened(clerk: FarClerk, office: Office, **more: Any) -> Watch:
    """A viewer that was let in."""
    opening = spawn(clerk.open_viewer(GRANT), name="viewer")
    call = await office.answers("open", viewer=VIEWER, standing=standing(**more))
    assert call["grant"] == grant_as_data(GRANT)
    watch: Watch = await opening
    return watch


async def lost(clerk: FarClerk, office: Office) -> None:
    """The office dies, and the clerk has noticed."""
    office.closes()
    await eventually_async(lambda: not clerk._connected.is_set())


async def found_again(clerk: FarClerk, office: Office) -> Message:
    """The office is there again; returns how the clerk introduced itself."""
    await office.opens()
    await eventually_async(clerk._connected.is_set)
    return office.hellos[-1]


def carrier(**counted: int) -> Any:
    return SimpleNamespace(**{"bytes_down": 0, "bytes_up": 0, "messages_down": 0, "messages_up": 0, **counted})


# ---- what it asks ----------------------------------------------------------------------------------------


async def test_it_says_who_it_is_and_hears_where_endpoints_may_be(clerk: FarClerk, office: Office) -> None:
    assert office.hellos == [{"hello": str(clerk.id), "viewers": []}]
    assert clerk.rules == RULES


async def test_a_viewer_is_opened_and_stands_as_the_office_says(clerk: FarClerk, office: Office) -> None:
    watch = await opened(clerk, office, policy=Policy(view_only=True))
    assert (watch.grant, watch.viewer_id, watch.glimpse) == (GRANT, VIEWER, RUNNING)
    assert watch.policy == Policy(view_only=True)
    assert not watch.withdrawn


async def test_what_changes_is_shown_by_the_watch(clerk: FarClerk, office: Office) -> None:
    watch = await opened(clerk, office)
    office.says({"news": [[VIEWER, standing(policy=Policy(no_resize=True))]]})
    await watch.until(lambda w: w.policy == Policy(no_resize=True))
    office.says({"news": [[VIEWER, standing(GONE, withdrawn=True)]]})
    await watch.until(gone)
    assert watch.withdrawn


async def test_news_in_the_same_read_as_the_answer_to_the_opening_is_not_lost(clerk: FarClerk, office: Office) -> None:
    opening = spawn(clerk.open_viewer(GRANT), name="viewer")
    call = await office.hears("open")
    office.says(
        {"id": call["id"], "viewer": VIEWER, "standing": standing()},
        {"news": [[VIEWER, standing(withdrawn=True)]]},
    )
    assert (await opening).withdrawn


async def test_news_of_a_viewer_that_nobody_knows_is_of_no_matter(clerk: FarClerk, office: Office) -> None:
    office.says({"news": [[99, standing()]]})
    assert (await opened(clerk, office)).glimpse == RUNNING


async def test_answers_find_their_calls_in_any_order(clerk: FarClerk, office: Office) -> None:
    asking = [spawn(clerk.password_of(SESSION), name=str(n)) for n in range(2)]
    one, other = await office.hears("password"), await office.hears("password")
    office.says({"id": other["id"], "password": "second"}, {"id": one["id"], "password": "first"})
    assert [await answer for answer in asking] == ["first", "second"]
    assert one["session"] == str(SESSION)


@pytest.mark.parametrize("password", ["secret12", None])
async def test_a_sessions_password_comes_from_the_office(clerk: FarClerk, office: Office, password: str | None) -> None:
    asking = spawn(clerk.password_of(SESSION), name="password")
    await office.answers("password", password=password)
    assert await asking == password


async def test_so_does_why_it_cannot_be_read(clerk: FarClerk, office: Office) -> None:
    asking = asyncio.gather(clerk.password_of(SESSION))
    await office.answers("password", fault="SECRET_KEY has changed")
    with pytest.raises(NoPasswordError) as caught:
        await asking
    assert str(caught.value) == "SECRET_KEY has changed"


async def test_an_endpoint_is_judged_by_the_account_that_the_office_named(clerk: FarClerk, office: Office) -> None:
    watch = await opened(clerk, office, glimpse=replace(RUNNING, hosts=("node1",), elsewhere="node2"))
    assert clerk.claim_of(watch) == Claim(str(SESSION), 4711, ("node1",), "node2")


async def test_what_becomes_of_a_viewer_is_told(clerk: FarClerk, office: Office) -> None:
    watch = await opened(clerk, office)
    asking = spawn(clerk.viewer_refused(watch, "It cannot be filtered."), name="refused")
    call = await office.answers("refused")
    await asking
    assert (call["viewer"], call["why"]) == (VIEWER, "It cannot be filtered.")
    asking = spawn(clerk.endpoint_lost(watch, "It hung up.", fatal=True, refused=False), name="lost")
    call = await office.answers("lost")
    await asking
    assert (call["viewer"], call["why"], call["fatal"], call["refused"]) == (VIEWER, "It hung up.", True, False)


async def test_an_endpoint_that_lets_everybody_in_is_told(clerk: FarClerk, office: Office) -> None:
    asking = spawn(clerk.unprotected(SESSION, "tcp:127.0.0.1:5901"), name="unprotected")
    call = await office.answers("unprotected")
    await asking
    assert (call["session"], call["where"]) == (str(SESSION), "tcp:127.0.0.1:5901")


async def test_or_it_is_left_to_the_next_viewer(clerk: FarClerk, office: Office, impatient: None) -> None:
    await lost(clerk, office)
    await clerk.unprotected(SESSION, "tcp:127.0.0.1:5901")


# ---- what it reports -------------------------------------------------------------------------------------


async def test_input_and_traffic_are_reported_as_they_come(
    clerk: FarClerk, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = await opened(clerk, office)
    carries = carrier(bytes_down=100, messages_down=2)
    clerk.carries(watch, carries)
    clerk.input_seen(SESSION)
    reporting = spawn(clerk._report(), name="report")
    call = await office.answers("report")
    await reporting
    assert (call["input"], call["left"], call["traffic"]) == ([str(SESSION)], [], [[VIEWER, [100, 0, 2, 0]]])

    await clerk._report()
    assert office.calls.empty(), "there is nothing new to tell"
    carries.bytes_up = 6
    reporting = spawn(clerk._report(), name="report")
    call = await office.answers("report")
    await reporting
    assert (call["input"], call["traffic"]) == ([], [[VIEWER, [100, 6, 2, 0]]])


async def test_a_report_is_made_again_and_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REPORT", 0.001)
    clerk = FarClerk([office.path])
    running = spawn(clerk.run(), name="clerk")
    await eventually_async(clerk._connected.is_set)
    for _ in range(2):
        clerk.input_seen(SESSION)
        assert (await office.answers("report"))["input"] == [str(SESSION)]
    running.cancel()


async def test_who_leaves_is_told_at_once_with_what_was_carried_last(clerk: FarClerk, office: Office) -> None:
    watch = await opened(clerk, office)
    clerk.carries(watch, carrier(bytes_down=14, messages_down=1))
    closing = spawn(clerk.close_viewer(watch, CLEAN), name="leaves")
    call = await office.answers("report")
    await closing
    assert (call["left"], call["traffic"]) == ([[VIEWER, True, None]], [[VIEWER, [14, 0, 1, 0]]])
    assert (clerk.tally.viewers, clerk.tally.total()) == (0, Traffic(14, 0, 1, 0))
    await clerk.last_report()
    assert office.calls.empty()


async def test_before_the_relay_ends_it_tells_what_is_left_to_tell(clerk: FarClerk, office: Office) -> None:
    clerk.input_seen(SESSION)
    telling = spawn(clerk.last_report(), name="last report")
    assert (await office.answers("report"))["input"] == [str(SESSION)]
    await telling


async def test_what_could_not_be_told_is_told_the_next_time(
    clerk: FarClerk, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    watch = await opened(clerk, office)
    clerk.carries(watch, carrier(bytes_down=14))
    clerk.input_seen(SESSION)
    with caplog.at_level(logging.DEBUG, module.__name__):
        closing = spawn(clerk.close_viewer(watch, CUT), name="leaves")
        await office.answers("report", error="the database cannot be reached")
        await closing
    assert caplog.messages == ["a report is made up for: the database cannot be reached"]
    reporting = spawn(clerk._report(), name="report")
    call = await office.answers("report")
    await reporting
    assert (call["input"], call["left"]) == ([str(SESSION)], [[VIEWER, False, None]])
    assert call["traffic"] == [[VIEWER, [14, 0, 0, 0]]]


# ---- the office is away ----------------------------------------------------------------------------------


async def test_viewers_stay_as_they_are_while_the_office_is_away(clerk: FarClerk, office: Office) -> None:
    watch = await opened(clerk, office)
    await lost(clerk, office)
    assert (watch.glimpse, watch.withdrawn, watch.unknown) == (RUNNING, False, False)


async def test_the_office_that_comes_next_is_told_of_them(clerk: FarClerk, office: Office) -> None:
    watch = await opened(clerk, office)
    await lost(clerk, office)
    hello = await found_again(clerk, office)
    assert hello == {"hello": str(clerk.id), "viewers": [[VIEWER, grant_as_data(GRANT)]]}
    office.says({"news": [[VIEWER, standing(withdrawn=True)]]})
    await watch.until(lambda w: w.withdrawn)


async def test_who_left_meanwhile_is_told_when_it_is_back(clerk: FarClerk, office: Office) -> None:
    watch = await opened(clerk, office)
    await lost(clerk, office)
    await clerk.close_viewer(watch, CLEAN)
    await clerk.last_report()
    assert office.calls.empty()

    hello = await found_again(clerk, office)
    assert hello["viewers"] == [[VIEWER, grant_as_data(GRANT)]], "else the office does not know who left"
    reporting = spawn(clerk._report(), name="report")
    assert (await office.answers("report"))["left"] == [[VIEWER, True, None]]
    await reporting

    await lost(clerk, office)
    assert (await found_again(clerk, office))["viewers"] == []


async def test_who_waits_for_an_answer_has_it_from_the_office_that_comes_next(clerk: FarClerk, office: Office) -> None:
    opening = spawn(clerk.open_viewer(GRANT), name="viewer")
    await office.hears("open")
    await lost(clerk, office)
    assert (await found_again(clerk, office))["viewers"] == [], "what the first had opened the next one cuts"
    await office.answers("open", viewer=VIEWER, standing=standing())
    assert (await opening).viewer_id == VIEWER


async def test_but_not_from_ever_so_many(clerk: FarClerk, office: Office) -> None:
    opening = asyncio.gather(clerk.open_viewer(GRANT))
    for _ in range(module.MOST_TRIES):
        await office.hears("open")
        await lost(clerk, office)
        await found_again(clerk, office)
    with pytest.raises(ClerkError) as caught:
        await opening
    assert str(caught.value) == "the office hung up"


async def test_an_office_that_is_paused_is_left_for_the_next_one_and_found_again(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY", 0.001)
    monkeypatch.setattr(offices, "SILENCE", 0.05)
    monkeypatch.setattr(offices, "BACK", 0.001)
    office.closes()
    paused, office.path = office.path, tmp_path / "other.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(paused))
        listener.listen()
        await office.opens()
        clerk = FarClerk([paused, office.path])
        running = spawn(clerk.run(), name="clerk")
        await eventually_async(clerk._connected.is_set)
        assert office.hellos
    running.cancel()
    await asyncio.wait({running})


async def test_who_comes_meanwhile_waits_for_the_office_to_come_back(clerk: FarClerk, office: Office) -> None:
    await lost(clerk, office)
    opening = spawn(opened(clerk, office), name="viewer")
    await asyncio.sleep(0)
    assert office.calls.empty()
    await found_again(clerk, office)
    assert (await opening).glimpse == RUNNING


async def test_but_not_for_ever(clerk: FarClerk, office: Office, impatient: None) -> None:
    await lost(clerk, office)
    with pytest.raises(ClerkError) as caught:
        await clerk.open_viewer(GRANT)
    assert str(caught.value) == "no office can be reached"


async def test_nor_for_an_answer(clerk: FarClerk, office: Office, impatient: None) -> None:
    with pytest.raises(ClerkError) as caught:
        await clerk.open_viewer(GRANT)
    assert str(caught.value) == "the office has not answered for 0.01 s"


async def test_a_fault_of_the_office_is_the_callers(clerk: FarClerk, office: Office) -> None:
    opening = asyncio.gather(clerk.open_viewer(GRANT))
    await office.answers("open", error="the database cannot be reached: locked")
    with pytest.raises(ClerkError) as caught:
        await opening
    assert str(caught.value) == "the database cannot be reached: locked"


async def test_an_answer_to_an_opening_that_nobody_waits_for_any_more_closes_that_viewer(
    clerk: FarClerk, office: Office, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ClerkError):
        await clerk.open_viewer(GRANT)
    call = await office.hears("open")
    office.says({"id": call["id"], "viewer": VIEWER, "standing": standing()})
    await eventually_async(lambda: clerk._left)
    monkeypatch.setattr(module, "ANSWER_PATIENCE", 5.0)
    reporting = spawn(clerk._report(), name="report")
    assert (await office.answers("report"))["left"] == [[VIEWER, False, None]]
    await reporting


class Clock:
    """The event loop's, moved by the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        real, self.ahead = loop.time, 0.0
        monkeypatch.setattr(loop, "time", lambda: real() + self.ahead)


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


async def test_when_nobody_has_said_anything_for_too_long_viewers_have_to_go(
    clerk: FarClerk, office: Office, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = await opened(clerk, office)
    await lost(clerk, office)
    clerk._give_up_when_unknown()
    assert not watch.unknown

    clock.ahead = MOST_UNKNOWN + 1
    watch.changed.clear()
    clerk._give_up_when_unknown()
    assert watch.unknown
    assert watch.changed.is_set()


async def test_news_without_a_change_is_a_sign_of_life(clerk: FarClerk, office: Office, clock: Clock) -> None:
    watch = await opened(clerk, office)
    clock.ahead = MOST_UNKNOWN + 1
    before = clerk._known
    office.says({"news": []})
    await eventually_async(lambda: clerk._known > before)
    clerk._give_up_when_unknown()
    assert not watch.unknown


async def test_so_is_a_viewer_that_was_let_in(clerk: FarClerk, office: Office, clock: Clock) -> None:
    clock.ahead = MOST_UNKNOWN + 1
    watch = await opened(clerk, office)
    clerk._give_up_when_unknown()
    assert not watch.unknown


# ---- an office that is none ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"", "KeyError('rules')"),
        (b"{}\n", "KeyError('rules')"),
        (b'{"rules": 1, "account": 1}\n', "TypeError(\"'int' object is not subscriptable\")"),
    ],
)
async def test_one_that_sends_it_away_is_tried_again(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, said: bytes, why: str
) -> None:
    monkeypatch.setattr(module, "RETRY", 0.001)
    office.welcome, good = said, office.welcome
    clerk = FarClerk([office.path])
    with caplog.at_level(logging.DEBUG, module.__name__):
        running = spawn(clerk.run(), name="clerk")
        await eventually_async(lambda: caplog.records)
        assert caplog.messages[0] == f"office.sock: another office is tried: {why}"
        office.welcome = good
        await eventually_async(clerk._connected.is_set)
    running.cancel()


async def test_what_cannot_be_understood_makes_it_call_again(clerk: FarClerk, office: Office) -> None:
    watch = await opened(clerk, office)
    office.says({"news": [[VIEWER, {"glimpse": {**glimpse_as_data(RUNNING), "state": "paused"}}]]})
    await eventually_async(lambda: len(office.hellos) == 2)
    await eventually_async(clerk._connected.is_set)
    assert watch.glimpse == RUNNING
