"""A process of the crew answers relays: over a real Unix socket, with a gateway that only remembers."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import uuid
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from remote_service.hosting.machine import identity
from remote_service.hosting.wire import encode, parse
from remote_service.relay.clerk import ClerkError, NoPasswordError
from remote_service.relay.closing import CLEAN, Leaving
from remote_service.relay.traffic import Carrier, Traffic
from remote_service.relay.watch import GONE, NOTHING, Grant, Watch
from remote_service.relay_process import far_clerk
from remote_service.relay_process import office as module
from remote_service.relay_process.far_clerk import FarClerk
from remote_service.relay_process.messages import grant_as_data, rules_as_data
from remote_service.relay_process.office import Office
from remote_service.rfb.policy import Policy
from remote_service.tasks import spawn
from tests.unit.relay_process.played import GRANT, OF_REST, RULES, RUNNING, SESSION, gone, standing
from tests.waiting import eventually_async

Message = dict[str, Any]
RELAY = uuid.UUID("11111111-8b86-4d01-b42d-00cf4fc964ff")
LIFE = encode({"alive": True})
NO_DATABASE = "the database cannot be reached: locked"


class Gateway:
    """A gateway whose database is played: viewers get numbers, and everything is remembered."""

    def __init__(self, gateway_id: uuid.UUID, looked: Callable[[], None]) -> None:
        self.id, self.looked = gateway_id, looked
        self.watches: list[Watch] = []
        self.carriers: dict[int, Carrier] = {}
        self.closed: list[tuple[int, Leaving]] = []
        self.told: list[tuple[Any, ...]] = []
        self.used: list[uuid.UUID] = []
        self.kept: list[list[int]] = []
        self.strays: list[int] = []
        self.among: list[list[int]] = []
        self.password: str | Exception | None = None
        self.slow = asyncio.Event()
        self.slow.set()
        self.ended = self.broken = False

    def _reach(self) -> None:
        if self.broken:
            raise ClerkError(NO_DATABASE)

    async def open_viewer(self, grant: Grant) -> Watch:
        await self.slow.wait()
        self._reach()
        self.watches.append(Watch(grant, len(self.watches) + 1, RUNNING, Policy()))
        return self.watches[-1]

    async def cut_all_but(self, viewers: Collection[int], among: Collection[int] | None = None) -> Collection[int]:
        self._reach()
        self.kept.append(sorted(viewers))
        self.among += [list(among)] if among else []
        return self.strays

    def watch_again(self, watch: Watch) -> None:
        self.watches.append(watch)

    async def close_viewer(self, watch: Watch, leaving: Leaving) -> None:
        self.closed.append((watch.viewer_id, leaving))

    def carries(self, watch: Watch, carrier: Carrier) -> None:
        self.carriers[watch.viewer_id] = carrier

    def input_seen(self, session_id: uuid.UUID) -> None:
        self.used.append(session_id)

    async def password_of(self, session_id: uuid.UUID) -> str | None:
        assert session_id == SESSION
        if isinstance(self.password, Exception):
            raise self.password
        return self.password

    async def unprotected(self, session_id: uuid.UUID, where: str) -> None:
        self.told.append(("unprotected", session_id, where))

    async def viewer_refused(self, watch: Watch, why: str) -> None:
        self.told.append(("refused", watch.viewer_id, why))

    async def endpoint_lost(self, watch: Watch, why: str, *, fatal: bool, refused: bool) -> None:
        self.told.append(("lost", watch.viewer_id, why, fatal, refused))

    def end(self) -> None:
        self.ended = True


class Site:
    """An office, its gateways, and relays that come."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.gateways: list[Gateway] = []

    def gateway_for(self, gateway_id: uuid.UUID, looked: Callable[[], None]) -> Gateway:
        self.gateways.append(Gateway(gateway_id, looked))
        return self.gateways[-1]

    @property
    def gateway(self) -> Gateway:
        return self.gateways[-1]

    async def relay(self, *viewers: Any) -> Relay:
        relay = Relay(*await asyncio.open_unix_connection(self.path))
        relay.says(hello=str(RELAY), viewers=list(viewers))
        assert await relay.hears() == {"rules": rules_as_data(RULES), "account": 4711}
        return relay


class Relay:
    """The relay's end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer
        self._number = 0

    def says(self, **message: Any) -> None:
        self.writer.write(encode(message))

    async def hears(self) -> Message:
        async with asyncio.timeout(5.0):
            while "alive" in (message := parse(await self._reader.readline())):
                pass
            return message

    async def hung_up_on(self) -> None:
        async with asyncio.timeout(5.0):
            assert (await self._reader.read()).replace(LIFE, b"") == b""

    def asks(self, what: str, **more: Any) -> None:
        self._number += 1
        self.says(id=self._number, call=what, **more)

    async def asked(self, what: str, **more: Any) -> Message:
        """The answer to a call, without its number."""
        self.asks(what, **more)
        found = await self.hears()
        assert found.pop("id") == self._number
        return found

    async def opens(self, grant: Grant = GRANT) -> int:
        viewer: int = (await self.asked("open", grant=grant_as_data(grant)))["viewer"]
        return viewer


@pytest.fixture
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    made = Site(tmp_path / "office.sock")
    monkeypatch.setattr(module, "GatewayProcess", made.gateway_for)
    monkeypatch.setattr(module, "rules_in_force", lambda: RULES)
    monkeypatch.setattr(module, "session_uid", lambda _account: 4711)
    server = await Office(made.path).open()
    yield made
    server.close()


@pytest.fixture
async def relay(site: Site) -> AsyncIterator[Relay]:
    made = await site.relay()
    yield made
    made.writer.close()
    await eventually_async(lambda: all(gateway.ended for gateway in site.gateways))


# ---- calls -----------------------------------------------------------------------------------------------


async def test_a_relay_is_a_gateway_of_its_own(site: Site, relay: Relay) -> None:
    assert [gateway.id for gateway in site.gateways] == [RELAY]


@pytest.mark.parametrize("grant", [GRANT, OF_REST])
async def test_a_viewer_is_opened_by_its_grant(site: Site, relay: Relay, grant: Grant) -> None:
    assert await relay.asked("open", grant=grant_as_data(grant)) == {"viewer": 1, "standing": standing()}
    assert [watch.grant for watch in site.gateway.watches] == [grant]


async def test_without_a_database_the_relay_is_told_so(site: Site, relay: Relay) -> None:
    site.gateway.broken = True
    assert await relay.asked("open", grant=grant_as_data(GRANT)) == {"error": NO_DATABASE}


async def test_a_slow_answer_keeps_no_other_waiting(site: Site, relay: Relay) -> None:
    site.gateway.slow.clear()
    relay.asks("open", grant=grant_as_data(GRANT))
    assert await relay.asked("password", session=str(SESSION)) == {"password": None}
    site.gateway.slow.set()
    assert (await relay.hears())["id"] == 1


async def test_a_report_of_input_and_traffic_reaches_the_gateway(site: Site, relay: Relay) -> None:
    viewer = await relay.opens()
    assert await relay.asked("report", input=[str(SESSION)], left=[], traffic=[[viewer, [1, 2, 3, 4]]]) == {}
    assert site.gateway.used == [SESSION]
    assert Traffic.of([site.gateway.carriers[viewer]]) == Traffic(1, 2, 3, 4)


async def test_so_does_who_has_left_once_and_with_what_was_carried_last(site: Site, relay: Relay) -> None:
    viewer, other = await relay.opens(), await relay.opens()
    for _ in range(2):
        await relay.asked(
            "report", input=[], left=[[viewer, True, None], [99, True, None]], traffic=[[viewer, [5, 0, 1, 0]]]
        )
    assert site.gateway.closed == [(viewer, CLEAN)]
    assert Traffic.of([site.gateway.carriers[viewer]]) == Traffic(5, 0, 1, 0)
    await relay.asked("report", input=[], left=[[other, False, 4001]], traffic=[[99, [1, 1, 1, 1]]])
    assert site.gateway.closed == [(viewer, CLEAN), (other, Leaving(clean=False, close_code=4001))]


@pytest.mark.parametrize(
    ("password", "answer"),
    [
        ("secret12", {"password": "secret12"}),
        (None, {"password": None}),
        (NoPasswordError("SECRET_KEY has changed"), {"fault": "SECRET_KEY has changed"}),
    ],
)
async def test_a_password_is_told_or_why_it_cannot_be(site: Site, relay: Relay, password: Any, answer: Message) -> None:
    site.gateway.password = password
    assert await relay.asked("password", session=str(SESSION)) == answer


async def test_what_becomes_of_a_viewer_reaches_the_gateway(site: Site, relay: Relay) -> None:
    viewer = await relay.opens()
    for what, more in (
        ("unprotected", {"session": str(SESSION), "where": "tcp:127.0.0.1:5901"}),
        ("refused", {"viewer": viewer, "why": "It cannot be filtered."}),
        ("lost", {"viewer": viewer, "why": "It hung up.", "fatal": True, "refused": False}),
    ):
        assert await relay.asked(what, **more) == {}
    assert site.gateway.told == [
        ("unprotected", SESSION, "tcp:127.0.0.1:5901"),
        ("refused", viewer, "It cannot be filtered."),
        ("lost", viewer, "It hung up.", True, False),
    ]


@pytest.mark.parametrize("what", ["refused", "lost"])
async def test_of_a_viewer_that_is_not_there_nothing_can_be_told(relay: Relay, what: str) -> None:
    answer = await relay.asked(what, viewer=99, why="It hung up.", fatal=True, refused=False)
    assert answer == {"error": "the office does not know this viewer"}


# ---- news ------------------------------------------------------------------------------------------------


async def test_what_changes_is_told_once_and_that_nothing_has_each_time(site: Site, relay: Relay) -> None:
    viewer, other = await relay.opens(), await relay.opens()
    site.gateway.watches[0].policy = Policy(view_only=True)
    site.gateway.looked()
    assert await relay.hears() == {"news": [[viewer, standing(policy=Policy(view_only=True))]]}
    site.gateway.looked()
    assert await relay.hears() == {"news": []}
    site.gateway.watches[1].withdrawn = True
    site.gateway.looked()
    assert await relay.hears() == {"news": [[other, standing(withdrawn=True)]]}


async def test_of_who_has_left_there_is_no_news(site: Site, relay: Relay) -> None:
    viewer = await relay.opens()
    await relay.asked("report", input=[], left=[[viewer, True, None]], traffic=[])
    site.gateway.watches[0].glimpse = GONE
    site.gateway.looked()
    assert await relay.hears() == {"news": []}


async def test_viewers_of_a_relay_that_was_there_before_are_known_again(site: Site, relay: Relay) -> None:
    again = await site.relay([12, grant_as_data(GRANT)])
    await eventually_async(lambda: site.gateway.watches)
    (watch,) = site.gateway.watches
    assert (watch.viewer_id, watch.grant, watch.glimpse, watch.policy) == (12, GRANT, GONE, NOTHING)
    assert site.gateway.kept == [[12]], "of others whom a dead supervisor wrote down nobody knows"

    watch.glimpse, watch.policy = RUNNING, Policy()
    site.gateway.looked()
    assert await again.hears() == {"news": [[12, standing()]]}
    await again.asked("report", input=[], left=[[12, True, None]], traffic=[[12, [7, 0, 0, 0]]])
    assert site.gateway.closed == [(12, CLEAN)]
    assert Traffic.of([site.gateway.carriers[12]]) == Traffic(7)
    again.writer.close()


async def test_who_was_let_in_behind_the_relays_back_is_cut_when_seen_twice(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STRAYS", 0.001)
    relay = await site.relay()
    await eventually_async(lambda: len(site.gateway.kept) > 2)
    site.gateway.strays = [7]
    await eventually_async(lambda: site.gateway.among)
    assert site.gateway.among[0] == [7]
    relay.writer.close()


async def test_whoever_connects_hears_whether_it_lives_and_need_not_say_anything(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await asyncio.open_unix_connection(site.path)
    assert await asyncio.wait_for(reader.readline(), 5) == LIFE
    writer.write_eof()
    async with asyncio.timeout(5.0):
        assert (await reader.read()).replace(LIFE, b"") == b""
    writer.close()
    assert (caplog.messages, site.gateways) == ([], [])


# ---- its end ---------------------------------------------------------------------------------------------


async def test_when_a_relay_hangs_up_its_gateway_ends_and_its_calls_too(site: Site) -> None:
    relay = await site.relay()
    site.gateway.slow.clear()
    relay.asks("open", grant=grant_as_data(GRANT))
    relay.writer.close()
    await eventually_async(lambda: site.gateway.ended)
    site.gateway.slow.set()
    await asyncio.sleep(0)
    assert site.gateway.watches == []


async def test_viewers_of_a_relay_that_has_ended_are_cut_at_once_and_those_of_another_are_not(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    monkeypatch.setattr(module, "has_ended", lambda process: len(looked) > 3 or bool(looked.append(process)))
    first = await site.relay()
    first.writer.close()
    await eventually_async(lambda: site.gateway.kept == [[], []])
    assert looked == [identity()] * 4, "it is still there when its sockets are closed already"

    monkeypatch.setattr(module, "has_ended", lambda _process: False)
    monkeypatch.setattr(module, "ENDING", 0.0)
    second = await site.relay()
    second.writer.close()
    await eventually_async(lambda: site.gateway.ended)
    assert site.gateway.kept == [[]], "it may come again"


async def test_another_uid_is_sent_away(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ours = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    stranger = Relay(*await asyncio.open_unix_connection(site.path))
    await stranger.hung_up_on()
    stranger.writer.close()
    assert caplog.record_tuples == [
        (module.__name__, logging.ERROR, f"a relay is sent away: uid {ours} asked; expected uid 4711")
    ]
    assert site.gateways == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"[]\n", "a line that holds a list; expected one JSON object a line"),
        (b'{"hello": "me"}\n', "badly formed hexadecimal UUID string"),
        (json.dumps({"hello": str(RELAY)}).encode() + b"\n", "'viewers'"),
    ],
)
async def test_who_does_not_say_hello_is_sent_away(
    site: Site, caplog: pytest.LogCaptureFixture, said: bytes, why: str
) -> None:
    stranger = Relay(*await asyncio.open_unix_connection(site.path))
    stranger.writer.write(said)
    await eventually_async(lambda: caplog.records)
    stranger.writer.close()
    assert caplog.messages == [f"a relay is sent away: {why}"]
    assert all(gateway.ended for gateway in site.gateways)


async def test_a_line_that_is_none_ends_the_connection(
    site: Site, relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    relay.writer.write(b"?\n")
    await relay.hung_up_on()
    assert caplog.messages == [
        "a relay is sent away: a line that is not JSON (Expecting value: line 1 column 1 (char 0)); expected one JSON "
        "object a line"
    ]


# ---- with the relay's own clerk --------------------------------------------------------------------------


async def test_the_relays_clerk_and_its_office_understand_each_other(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(far_clerk, "REPORT", 60.0)
    clerk = FarClerk([site.path])
    running = spawn(clerk.run(), name="clerk")
    watch = await clerk.open_viewer(GRANT)
    assert clerk.rules == RULES
    assert (watch.glimpse, watch.policy) == (RUNNING, Policy())

    site.gateway.watches[0].glimpse = replace(RUNNING, hosts=("node1",))
    site.gateway.looked()
    await watch.until(lambda w: w.glimpse.hosts == ("node1",))
    site.gateway.watches[0].glimpse = GONE
    site.gateway.looked()
    await watch.until(gone)

    site.gateway.password = NoPasswordError("SECRET_KEY has changed")
    with pytest.raises(NoPasswordError):
        await clerk.password_of(SESSION)
    await clerk.unprotected(SESSION, "tcp:127.0.0.1:5901")
    await clerk.viewer_refused(watch, "It cannot be filtered.")
    await clerk.endpoint_lost(watch, "It hung up.", fatal=False, refused=True)
    assert [told[0] for told in site.gateway.told] == ["unprotected", "refused", "lost"]
    await clerk.close_viewer(watch, CLEAN)
    assert site.gateway.closed == [(1, CLEAN)]
    running.cancel()
    await eventually_async(lambda: site.gateway.ended)
