"""Tests of when open pages are looked after again; what the database says is played."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError

from remote_service import nudges
from remote_service.models import SessionEvent, Site
from remote_service.nudges import GATEWAY_GROUP, send
from tests.waiting import eventually_async
from webui.live import hub as module
from webui.live.fragments import Fragments
from webui.live.hub import MOST_PAGES, CrowdedError, Hub, _seen, hub
from webui.live.pages import Address
from webui.live.rights import Right

ALICE, BOB = Right(1, "a"), Right(2, "b")


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
    return played


@pytest.fixture
def looks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.001)


async def test_there_is_one_hub_in_a_loop() -> None:
    assert hub() is hub()


async def test_a_nudge_wakes_all_pages(database: Database) -> None:
    here = Hub()
    pages = [here.join(right) for right in (ALICE, BOB)]
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
    page = here.join(ALICE)
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
    alices, bobs = here.join(ALICE), here.join(BOB)
    database.good = {BOB}
    await here.look()
    assert (alices.withdrawn.is_set(), bobs.withdrawn.is_set()) == (True, False)


async def test_it_looks_by_itself_while_a_page_is_open(database: Database, looks_by_itself: None) -> None:
    here = Hub()
    page = here.join(ALICE)
    await eventually_async(lambda: len(database.asked) >= 3)
    here.leave(page)
    await eventually_async(lambda: True)
    count = len(database.asked)
    await eventually_async(lambda: True)
    assert len(database.asked) <= count + 1


async def test_a_database_out_of_reach_is_looked_at_again(database: Database, looks_by_itself: None) -> None:
    database.broken = True
    page = Hub().join(ALICE)
    await eventually_async(lambda: len(database.asked) >= 2)
    database.broken = False
    database.good = set()
    await eventually_async(page.withdrawn.is_set)


async def test_pages_are_rendered_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Hub()
    at_once: list[int] = []

    def rendered(user_id: int, _address: Address) -> Fragments:
        at_once.append(here._turn.locked())
        return {"a": str(user_id)}

    monkeypatch.setattr(module, "_rendered", rendered)
    found = await asyncio.gather(*(here.render(right, Address("picker")) for right in (ALICE, BOB)))
    assert (found, at_once) == ([{"a": "1"}, {"a": "2"}], [True, True])


async def test_many_open_pages_are_rendered_less_often(monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    here = Hub()
    monkeypatch.setattr(module, "_rendered", lambda *_: {})
    for number in range(100):
        here.join(Right(number, "login"))
    assert here.pause == module.LEAST_PAUSE
    here._cost = 0.02
    assert here.pause == pytest.approx(0.02 * 100 * 4)


def test_what_is_looked_at_is_the_newest_event_and_the_sites_row(db: Any) -> None:
    assert _seen(set()) == (set(), ())
    Site.load()
    event = SessionEvent.objects.create(what="reserved")
    assert _seen(set()) == (set(), (event.pk, None, 0, True))


def test_links_in_fragments_have_the_sites_path(alice: User, settings: Any, make_type: Any) -> None:
    make_type()
    settings.FORCE_SCRIPT_NAME = "/desk"
    try:
        found = module._rendered(alice.pk, Address("picker"))
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
    pages = [here.join(ALICE) for _ in range(MOST_PAGES)]
    with pytest.raises(CrowdedError):
        here.join(ALICE)
    here.join(BOB)
    here.leave(pages[0])
    here.join(ALICE)
