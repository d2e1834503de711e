"""Tests of when open pages are looked after again; what the database says is played."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import Mock

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError

from remote_service import nudges
from remote_service.models import SessionEvent, Site
from remote_service.nudges import GATEWAY_GROUP, send
from remote_service.tasks import spawn
from tests.waiting import eventually_async
from webui.live import hub as module
from webui.live.fragments import Fragments
from webui.live.hub import LEAST_PAUSE, MOST_PAGES, SHARE, CrowdedError, Hub, OpenPage, _owners, _seen, hub
from webui.live.pages import Address
from webui.live.rights import Right

ALICE, BOB = Right(1, "a"), Right(2, "b")
PICKER, OVERVIEW = Address("picker"), Address("dashboard")


class Database:
    """What a look finds."""

    def __init__(self) -> None:
        self.good = {ALICE, BOB}
        self.newest: tuple[object, ...] = (7,)
        self.asked: list[set[Right]] = []
        self.broken = False

    def seen(self, wanted: set[Right]) -> tuple[set[Right], tuple[object, ...]]:
        self.asked.append(wanted)
        if self.broken:
            raise OperationalError("database is locked")
        return self.good & wanted, self.newest


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    played = Database()
    monkeypatch.setattr(module, "_seen", played.seen)
    monkeypatch.setattr("remote_service.database.close_old_connections", lambda: None)
    return played


@pytest.fixture
def looks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.001)


async def test_there_is_one_hub_in_a_loop() -> None:
    assert hub() is hub()


async def test_a_nudge_wakes_all_pages(database: Database) -> None:
    here = Hub()
    pages = [here.join(right, PICKER) for right in (ALICE, BOB)]
    await eventually_async(lambda: len(database.asked) > 0)
    for page in pages:
        page.changed.clear()

    async def nudged() -> bool:
        await send(GATEWAY_GROUP)
        return all(page.changed.is_set() for page in pages)

    async with asyncio.timeout(5):
        while not await nudged():
            pass


async def test_a_look_wakes_them_when_something_is_new(database: Database) -> None:
    here = Hub()
    page = here.join(ALICE, PICKER)
    await here.look()
    page.changed.clear()
    await here.look()
    assert not page.changed.is_set()
    database.newest = (8,)
    await here.look()
    assert page.changed.is_set()
    here.leave(page)


async def test_a_look_withdraws_a_right_that_does_not_stand(database: Database) -> None:
    here = Hub()
    alices, bobs = here.join(ALICE, PICKER), here.join(BOB, PICKER)
    database.good = {BOB}
    await here.look()
    assert (alices.withdrawn.is_set(), bobs.withdrawn.is_set()) == (True, False)


async def test_it_looks_by_itself_while_a_page_is_open(database: Database, looks_by_itself: None) -> None:
    here = Hub()
    page = here.join(ALICE, PICKER)
    await eventually_async(lambda: len(database.asked) >= 3)
    here.leave(page)
    await eventually_async(lambda: True)
    count = len(database.asked)
    await eventually_async(lambda: True)
    assert len(database.asked) <= count + 1


async def test_a_database_out_of_reach_is_looked_at_again(database: Database, looks_by_itself: None) -> None:
    database.broken = True
    page = Hub().join(ALICE, PICKER)
    await eventually_async(lambda: len(database.asked) >= 2)
    database.broken = False
    database.good = set()
    await eventually_async(page.withdrawn.is_set)


async def test_pages_are_rendered_one_after_the_other_and_those_that_are_concerned_first(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    here = Hub()
    order: list[int] = []
    began, go_on = threading.Event(), threading.Event()

    def rendered(user_id: int, _address: Address) -> tuple[Fragments, float]:
        order.append(user_id)
        began.set()
        assert go_on.wait(5)
        return {"a": str(user_id)}, 0.01

    monkeypatch.setattr(module, "_rendered", rendered)
    first = here.join(Right(9, "i"), PICKER)
    crowd = [here.join(ALICE, PICKER) for _ in range(3)]
    bobs, hers = here.join(BOB, PICKER), here.join(Right(3, "c"), PICKER)
    renderings = [spawn(here.render(page), name="a rendering") for page in (first, *crowd, bobs, hers)]
    await asyncio.to_thread(began.wait)
    hers.concerned.set()
    go_on.set()
    assert [await one for one in renderings][-2:] == [{"a": "2"}, {"a": "3"}]
    assert order == [9, 3, 2, 1, 1, 1]
    assert not hers.concerned.is_set()


async def test_a_change_concerns_the_sessions_owner_and_the_dashboards(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    asked: list[set[str]] = []

    def owners(sessions: set[str]) -> set[int | None]:
        asked.append(sessions)
        return {ALICE.who}

    monkeypatch.setattr(module, "_owners", owners)
    here = Hub()
    alices, bobs, staffs = here.join(ALICE, PICKER), here.join(BOB, PICKER), here.join(BOB, OVERVIEW)
    await eventually_async(lambda: len(database.asked) > 0)
    changed = uuid.uuid4()

    async def nudged() -> bool:
        await send(GATEWAY_GROUP, changed)
        return alices.concerned.is_set()

    async with asyncio.timeout(5):
        while not await nudged():
            pass
    assert (bobs.changed.is_set(), bobs.concerned.is_set(), staffs.concerned.is_set()) == (True, False, True)
    assert asked[0] == {str(changed)}


async def test_when_the_owner_cannot_be_found_out_the_pages_are_woken_all_the_same(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    monkeypatch.setattr(module, "_owners", Mock(side_effect=OperationalError("database is locked")))
    here = Hub()
    page = here.join(ALICE, PICKER)
    await eventually_async(lambda: len(database.asked) > 0)
    page.changed.clear()

    async def nudged() -> bool:
        await send(GATEWAY_GROUP, uuid.uuid4())
        return page.changed.is_set()

    async with asyncio.timeout(5):
        while not await nudged():
            pass
    assert not page.concerned.is_set()


async def rests(here: Hub, page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> tuple[float, float]:
    """How long a page rests in any case, and how long when nothing concerns it."""
    limits: list[float] = []
    asleep: list[float] = []

    async def sleep(seconds: float) -> None:
        asleep.append(seconds)

    @asynccontextmanager
    async def timeout(seconds: float) -> AsyncIterator[None]:
        limits.append(seconds)
        raise TimeoutError
        yield

    with monkeypatch.context() as patch:
        patch.setattr(module.asyncio, "sleep", sleep)
        patch.setattr(module.asyncio, "timeout", timeout)
        await here.rest(page)
    return asleep[0], asleep[0] + limits[0]


async def test_each_users_pages_are_rendered_in_a_part_of_the_time_and_so_are_all(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    here = Hub()
    here._running = True
    for number in range(10, 100):
        here.join(Right(number, "login"), PICKER)
    crowd = [here.join(ALICE, PICKER) for _ in range(9)]
    bobs = here.join(BOB, PICKER)
    assert await rests(here, bobs, monkeypatch) == (LEAST_PAUSE, LEAST_PAUSE)
    here._cost = 0.02
    assert await rests(here, bobs, monkeypatch) == (LEAST_PAUSE, pytest.approx(0.02 * 100 * SHARE))
    assert await rests(here, crowd[0], monkeypatch) == (pytest.approx(0.02 * 9 * SHARE), pytest.approx(8))


async def test_one_slow_rendering_does_not_slow_all_pages_down(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    here = Hub()
    here._running = True
    page = here.join(ALICE, PICKER)
    monkeypatch.setattr(module, "_rendered", lambda *_: ({}, 0.01))
    for _ in range(50):
        await here.render(page)
    assert here._cost == pytest.approx(0.01, rel=0.01)
    monkeypatch.setattr(module, "_rendered", lambda *_: ({}, 0.5))
    await here.render(page)
    assert here._cost < 0.06


def test_a_sessions_owner_is_found(alice: User, make_session: Any) -> None:
    assert _owners([str(make_session(owner=alice).pk), str(uuid.uuid4())]) == {alice.pk}


def test_what_is_looked_at_is_the_newest_event_and_the_sites_row(db: Any) -> None:
    assert _seen(set()) == (set(), ())
    Site.load()
    event = SessionEvent.objects.create(what="reserved")
    assert _seen(set()) == (set(), (event.pk, None, 0, True))


def test_links_in_fragments_have_the_sites_path(alice: User, settings: Any, make_type: Any) -> None:
    make_type()
    settings.FORCE_SCRIPT_NAME = "/desk"
    try:
        found, _cost = module._rendered(alice.pk, Address("picker"))
    finally:
        settings.FORCE_SCRIPT_NAME = None
        module._rendered(alice.pk, Address("picker"))
    assert found is not None
    assert any('action="/desk/launch/"' in html for html in found.values())


def test_the_group_is_that_of_the_gateways() -> None:
    assert nudges.GATEWAY_GROUP == "gateways"


async def test_one_user_has_only_so_many_pages_that_are_looked_after() -> None:
    here = Hub()
    here._running = True
    pages = [here.join(ALICE, PICKER) for _ in range(MOST_PAGES)]
    with pytest.raises(CrowdedError):
        here.join(ALICE, PICKER)
    here.join(BOB, PICKER)
    here.leave(pages[0])
    here.join(ALICE, PICKER)
