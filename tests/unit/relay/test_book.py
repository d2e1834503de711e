"""The book of viewers: what comes together is written together, and a failure is that of whom it concerns."""

from __future__ import annotations

import asyncio
import logging
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError

from remote_service import nudges
from remote_service.actors import Actor
from remote_service.errors import NotAllowedError, RefusedError
from remote_service.relay import book as module
from remote_service.relay import visits
from remote_service.relay.book import Book
from remote_service.relay.closing import CLEAN, CUT, Leaving
from remote_service.relay.grants import Admission
from remote_service.relay.traffic import Tally, Traffic
from remote_service.relay.visits import Parting, Visit
from remote_service.relay.watch import GONE, Grant
from remote_service.rfb.policy import Policy
from remote_service.tasks import spawn

GATEWAY, SESSION = uuid.uuid4(), uuid.uuid4()


def deciding(name: str) -> Callable[[], Admission]:
    """Lets somebody of this name in."""
    return lambda: Admission(Grant(SESSION, 1, name, Actor(name, "", "websocket")), GONE, Policy())


@dataclass
class Pages:
    """What was written, one transaction after the other; `gate` holds the next one up."""

    written: list[tuple[list[str], dict[int, Leaving], dict[int, Traffic]]] = field(default_factory=list)
    fault: Exception | None = None
    fault_of: str = ""
    fault_of_left: bool = False
    soon: bool = False
    gate: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)
    count: int = 0
    renewed: int = 0

    def renew(self) -> None:
        self.renewed += 1

    def write(
        self,
        gateway_id: uuid.UUID,
        came: Sequence[Callable[[], Admission]],
        left: Mapping[int, Leaving],
        traffic: Mapping[int, Traffic],
    ) -> tuple[list[Visit | Exception], set[Parting]]:
        assert gateway_id == GATEWAY
        self.begun.set()
        assert self.gate.wait(5)
        found: list[Visit | Exception] = []
        names = []
        for decide in came:
            try:
                admission = decide()
            except (RefusedError, OperationalError) as refusal:
                found.append(refusal)
                continue
            names.append(admission.grant.actor.name)
            self.count += 1
            found.append(Visit(self.count, admission))
        concerned = bool(left) if self.fault_of_left else not self.fault_of or self.fault_of in names
        if self.fault is not None and concerned:
            raise self.fault
        self.written.append((names, dict(left), dict(traffic)))
        return found, {Parting(SESSION, self.soon)} if left else set()


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Pages:
    found = Pages()
    found.gate.set()
    monkeypatch.setattr(visits, "write", found.write)
    monkeypatch.setattr(module, "close_old_connections", found.renew)
    monkeypatch.setattr(module, "GATHERING", 0.001)
    return found


async def hold(pages: Pages, book: Book) -> asyncio.Task[Visit]:
    """Somebody who comes, and whose row is being written until the gate opens."""
    pages.gate.clear()
    pages.begun.clear()
    first = spawn(book.come(deciding("first")), name="first")
    await asyncio.to_thread(pages.begun.wait, 5)
    return first


async def test_who_comes_alone_is_written_at_once(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GATHERING", 60.0)

    visit = await asyncio.wait_for(Book(GATEWAY, Tally()).come(deciding("alice")), 5)

    assert (visit.viewer_id, visit.admission.grant.actor.name) == (1, "alice")
    assert pages.written == [(["alice"], {}, {})]


async def test_what_comes_while_it_writes_is_written_together_in_its_order(pages: Pages) -> None:
    book = Book(GATEWAY, Tally())
    first = await hold(pages, book)
    names = [f"n{number}" for number in range(50)]
    coming = [spawn(book.come(deciding(name)), name=name) for name in names]
    leaving = [spawn(book.leave(number, CLEAN), name="leaves") for number in range(100, 150)]
    await asyncio.sleep(0)

    pages.gate.set()
    found = await asyncio.gather(first, *coming)
    await asyncio.gather(*leaving)

    assert [visit.viewer_id for visit in found] == list(range(1, 52))
    assert pages.written == [(["first"], {}, {}), (names, dict.fromkeys(range(100, 150), CLEAN), {})]


async def test_who_leaves_waits_a_moment_for_others(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GATHERING", 60.0)
    book = Book(GATEWAY, Tally())
    leaving = [spawn(book.leave(number, CUT), name="leaves") for number in (7, 8)]
    await asyncio.sleep(0)

    await book.come(deciding("alice"))
    await asyncio.gather(*leaving)

    assert pages.written == [(["alice"], {7: CUT, 8: CUT}, {})]


async def test_but_not_for_long(pages: Pages) -> None:
    await asyncio.wait_for(Book(GATEWAY, Tally()).leave(7, CLEAN), 5)

    assert pages.written == [([], {7: CLEAN}, {})]


async def test_and_not_at_all_when_the_supervisor_waits_for_it(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GATHERING", 60.0)
    async with nudges.hearing(nudges.SUPERVISOR_GROUP) as heard:
        await asyncio.wait_for(Book(GATEWAY, Tally()).leave(7, CUT, urgent=True), 5)
        await asyncio.wait_for(heard.wait(), 5)


async def test_the_supervisor_is_told_though_it_could_not_be_written_at_first(pages: Pages) -> None:
    book = Book(GATEWAY, Tally())
    async with nudges.hearing(nudges.SUPERVISOR_GROUP) as heard:
        pages.fault = OperationalError("database is locked")
        await book.leave(7, CUT, urgent=True)
        assert not heard.is_set()

        pages.fault = None
        await book.catch_up()
        await asyncio.wait_for(heard.wait(), 5)


async def test_and_of_one_that_leaves_while_another_is_written(pages: Pages) -> None:
    book = Book(GATEWAY, Tally())
    async with nudges.hearing(nudges.SUPERVISOR_GROUP) as heard:
        pages.gate.clear()
        pages.begun.clear()
        first = spawn(book.leave(7, CUT, urgent=True), name="first")
        await asyncio.to_thread(pages.begun.wait, 5)
        second = spawn(book.leave(8, CUT, urgent=True), name="second")
        await asyncio.sleep(0)
        pages.gate.set()
        await asyncio.gather(first, second)
        async with asyncio.timeout(5):
            while heard.count < 2:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("soon", [True, False])
async def test_the_supervisor_is_told_when_a_session_may_end_at_once(pages: Pages, soon: bool) -> None:
    pages.soon = soon
    async with (
        nudges.hearing(nudges.SUPERVISOR_GROUP) as supervisor,
        nudges.hearing(nudges.GATEWAY_GROUP) as gateways,
    ):
        await Book(GATEWAY, Tally()).leave(7, CLEAN)
        await asyncio.wait_for(gateways.wait(), 5)
        assert gateways.sessions == {str(SESSION)}
        if soon:
            await asyncio.wait_for(supervisor.wait(), 5)
        assert supervisor.is_set() is soon


async def test_of_what_a_viewer_says_twice_the_first_is_believed(pages: Pages) -> None:
    book = Book(GATEWAY, Tally())

    await asyncio.gather(book.leave(7, CUT), book.leave(7, CLEAN))
    await book.leave(7, CLEAN)

    assert [left for _, left, _ in pages.written] == [{7: CUT}, {7: CLEAN}]


async def test_with_which_code_it_was_sent_away_may_be_said_later(pages: Pages) -> None:
    book = Book(GATEWAY, Tally())
    sent_away = Leaving(clean=True, close_code=1000)

    await asyncio.gather(book.leave(7, CUT), book.leave(7, sent_away))

    assert [left for _, left, _ in pages.written] == [{7: Leaving(clean=False, close_code=1000)}]


async def test_also_while_it_is_written(pages: Pages) -> None:
    book = Book(GATEWAY, Tally())
    pages.gate.clear()
    first = spawn(book.leave(7, CUT, urgent=True), name="first")
    await asyncio.to_thread(pages.begun.wait, 5)
    second = spawn(book.leave(7, Leaving(clean=False, close_code=4011)), name="second")
    await asyncio.sleep(0)
    pages.gate.set()
    await asyncio.gather(first, second)
    await book.catch_up()

    assert [left for _, left, _ in pages.written] == [{7: CUT}, {7: Leaving(clean=False, close_code=4011)}]


async def test_what_they_carried_is_written_with_them(pages: Pages) -> None:
    tally = Tally()
    tally.begin(7, Traffic(1, 2, 3, 4))
    tally.end(7)
    book = Book(GATEWAY, tally)

    await book.leave(7, CLEAN)
    await book.catch_up()

    assert pages.written == [([], {7: CLEAN}, {7: Traffic(1, 2, 3, 4)})]


async def test_who_is_refused_is_told_so_and_nobody_else(pages: Pages) -> None:
    book = Book(GATEWAY, Tally())
    first = await hold(pages, book)

    def refuse() -> Admission:
        raise NotAllowedError("no")

    refused, let_in = (spawn(book.come(decide), name="comes") for decide in (refuse, deciding("bob")))
    await asyncio.sleep(0)
    pages.gate.set()

    with pytest.raises(NotAllowedError, match=r"^no$"):
        await refused
    assert [(await first).viewer_id, (await let_in).viewer_id] == [1, 2]


async def test_a_question_that_fails_is_the_failure_of_who_asked(pages: Pages) -> None:
    book = Book(GATEWAY, Tally())
    first = await hold(pages, book)

    def fail() -> Admission:
        raise OperationalError("the connection was closed")

    failed, let_in = (spawn(book.come(decide), name="comes") for decide in (fail, deciding("bob")))
    await asyncio.sleep(0)
    pages.gate.set()

    with pytest.raises(OperationalError, match=r"^the connection was closed$"):
        await failed
    assert [(await first).viewer_id, (await let_in).viewer_id] == [1, 2]
    assert pages.renewed == 1


async def test_a_database_out_of_reach_is_everybodys_failure_and_who_left_is_written_later(
    pages: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    book = Book(GATEWAY, Tally())
    pages.fault = OperationalError("database is locked")

    coming = [spawn(book.come(deciding(name)), name=name) for name in ("alice", "bob")]
    await book.leave(7, CLEAN)
    failed = await asyncio.gather(*coming, return_exceptions=True)
    assert [str(one) for one in failed] == ["database is locked"] * 2
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == ["the gateway could not reach the database: database is locked"]

    assert pages.renewed == 1, "the connection may be what is broken"

    pages.fault = None
    await book.catch_up()
    assert pages.written == [([], {7: CLEAN}, {})]
    await book.catch_up()
    assert len(pages.written) == 1


async def test_who_cannot_be_written_keeps_nobody_else_from_it(pages: Pages) -> None:
    book = Book(GATEWAY, Tally())
    first = await hold(pages, book)
    pages.fault, pages.fault_of = IntegrityError("FOREIGN KEY constraint failed"), "mallory"
    coming = [spawn(book.come(deciding(name)), name=name) for name in ("alice", "mallory", "bob")]
    leaving = spawn(book.leave(7, CLEAN), name="leaves")
    await asyncio.sleep(0)

    pages.gate.set()
    await first
    alice, mallory, bob = await asyncio.gather(*coming, return_exceptions=True)
    await leaving

    assert isinstance(mallory, DatabaseError)
    assert isinstance(alice, Visit) and isinstance(bob, Visit)
    assert pages.written == [(["first"], {}, {}), ([], {7: CLEAN}, {}), (["alice"], {}, {}), (["bob"], {}, {})]


async def test_what_was_left_and_cannot_be_written_keeps_nobody_from_coming(pages: Pages) -> None:
    book = Book(GATEWAY, Tally())
    pages.fault, pages.fault_of_left = IntegrityError("CHECK constraint failed"), True

    coming = spawn(book.come(deciding("alice")), name="alice")
    await asyncio.wait_for(book.leave(7, CLEAN), 5)

    assert (await coming).viewer_id
    assert [names for names, _, _ in pages.written] == [["alice"]]


async def test_who_gives_up_before_it_is_written_is_not(pages: Pages) -> None:
    book = Book(GATEWAY, Tally())
    first = await hold(pages, book)
    impatient = spawn(book.come(deciding("impatient")), name="impatient")
    await asyncio.sleep(0)

    impatient.cancel()
    await asyncio.wait({impatient})
    pages.gate.set()
    await first
    await book.come(deciding("next"))

    assert [names for names, _, _ in pages.written] == [["first"], ["next"]]


async def test_who_gives_up_while_it_is_written_has_left(pages: Pages) -> None:
    book = Book(GATEWAY, Tally())
    impatient = await hold(pages, book)

    impatient.cancel()
    await asyncio.wait({impatient})
    pages.gate.set()
    await book.come(deciding("next"))
    await book.catch_up()

    assert pages.written[0] == (["first"], {}, {})
    assert {1: CUT} in [left for _, left, _ in pages.written]


async def test_a_mistake_of_ours_is_logged_and_stops_nobody_who_comes_later(
    pages: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    book = Book(GATEWAY, Tally())
    first = await hold(pages, book)
    pages.fault, pages.fault_of = LookupError("a mistake"), "first"
    waits = spawn(book.leave(7, CLEAN), name="leaves")
    await asyncio.sleep(0)
    pages.gate.set()
    with pytest.raises(LookupError, match=r"^a mistake$"):
        await first
    await asyncio.wait_for(waits, 5)
    caplog.clear()

    pages.fault_of = "alice"
    with pytest.raises(LookupError, match=r"^a mistake$"):
        await book.come(deciding("alice"))
    await asyncio.sleep(0)
    assert [record.message for record in caplog.records] == ["task viewers' book failed"]

    pages.fault = None
    assert (await book.come(deciding("bob"))).admission.grant.actor.name == "bob"
