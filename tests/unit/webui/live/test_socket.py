"""An open page's websocket: who is let in, what it is told, and what ends it; the hub is played."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.db import OperationalError
from django.utils.translation import get_language

from remote_service.tasks import spawn
from tests.waiting import eventually_async
from webui.live import socket
from webui.live.fragments import Fragments, digest, stamps
from webui.live.hub import OpenPage
from webui.live.pages import Address
from webui.live.rights import Asked, Right
from webui.live.socket import live

RIGHT = Right(1, "login")
FIRST = {"list": "<ul id=list>", "card": "<li id=card>Starting"}


class Played:
    """A browser at one end, and at the other the hub, with the page as the test sets it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.page: Fragments | Exception | None = dict(FIRST)
        self.asked: Asked | None = Asked(RIGHT, Address("picker"), "")
        self.open: list[OpenPage] = []
        self.renderings = 0
        self.languages: list[str | None] = []
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        self.gone = False
        self.resting = False
        self.rested = asyncio.Event()
        self.rested.set()
        self.task: asyncio.Task[None] | None = None
        monkeypatch.setattr(socket, "hub", lambda: self)
        monkeypatch.setattr(socket, "judge", lambda _scope: self.asked)
        monkeypatch.setattr(socket, "RETRY", 0.001)

    # ---- the hub ----------------------------------------------------------------------------------------

    def join(self, right: Right, address: Address) -> OpenPage:
        self.open.append(OpenPage(right, address))
        return self.open[-1]

    async def rest(self, page: OpenPage) -> None:
        self.resting = True
        await self.rested.wait()
        self.resting = False

    def leave(self, page: OpenPage) -> None:
        self.open.remove(page)

    async def render(self, page: OpenPage) -> Fragments | None:
        assert (page.right, page.address) == (RIGHT, Address("picker"))
        page.changed.clear()
        self.renderings += 1
        self.languages.append(get_language())
        if isinstance(self.page, Exception):
            raise self.page
        return None if self.page is None else dict(self.page)

    # ---- the browser ------------------------------------------------------------------------------------

    async def send(self, message: dict[str, Any]) -> None:
        if self.gone:
            raise OSError("the line was cut")
        self.sent.append(message)

    async def comes(self) -> None:
        self.incoming.put_nowait({"type": "websocket.connect"})
        self.task = spawn(live({"type": "websocket"}, self.incoming.get, self.send), name="live")

    def leaves(self) -> None:
        self.incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})

    async def ends(self) -> None:
        assert self.task is not None
        async with asyncio.timeout(5):
            await self.task

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(message["text"]) for message in self.sent if message["type"] == "websocket.send"]

    async def is_told(self, times: int) -> dict[str, Any]:
        await eventually_async(lambda: len(self.told) >= times)
        return self.told[times - 1]

    async def changes(self, **fragments: str | None) -> None:
        """The page becomes another; None for what is not there any more."""
        assert isinstance(self.page, dict)
        both = {**self.page, **fragments}
        self.page = {key: html for key, html in both.items() if html is not None}
        self.open[0].changed.set()


@pytest.fixture
async def played(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Played]:
    playing = Played(monkeypatch)
    yield playing
    if playing.task is not None:
        playing.task.cancel()
        await asyncio.wait({playing.task})
    assert playing.open == []


async def test_who_may_not_is_refused_before_the_upgrade(played: Played) -> None:
    played.asked = None
    await played.comes()
    await played.ends()
    assert played.sent == [{"type": "websocket.close"}]


async def test_what_is_no_connect_is_left_alone(played: Played) -> None:
    played.leaves()
    await live({"type": "websocket"}, played.incoming.get, played.send)
    assert played.sent == []


async def test_a_page_that_shows_something_else_is_told_all(played: Played) -> None:
    await played.comes()
    assert await played.is_told(1) == {"digest": digest(stamps(FIRST)), "fragments": FIRST}
    assert played.sent[0] == {"type": "websocket.accept", "subprotocol": None}
    played.leaves()
    await played.ends()
    assert [message["type"] for message in played.sent] == ["websocket.accept", "websocket.send"]


async def test_a_page_is_told_in_its_language_and_nobody_else_is(played: Played) -> None:
    played.asked = Asked(RIGHT, Address("picker"), "", "de")
    await played.comes()
    await played.is_told(1)
    played.leaves()
    await played.ends()
    assert (played.languages, get_language()) == (["de"], "en")


async def test_a_page_that_shows_what_there_is_is_told_only_what_changes(played: Played) -> None:
    played.asked = Asked(RIGHT, Address("picker"), digest(stamps(FIRST)))
    await played.comes()
    await eventually_async(lambda: played.renderings == 1)
    await played.changes(card="<li id=card>Running")
    told = await played.is_told(1)
    assert told["fragments"] == {"card": "<li id=card>Running"}
    assert told["digest"] == digest(stamps(FIRST | {"card": "<li id=card>Running"}))


async def test_what_has_gone_is_told_by_what_held_it(played: Played) -> None:
    await played.comes()
    await played.is_told(1)
    await played.changes(card=None, list="<ul id=list></ul>")
    assert (await played.is_told(2))["fragments"] == {"list": "<ul id=list></ul>"}


async def test_a_look_that_finds_nothing_new_sends_nothing(played: Played) -> None:
    await played.comes()
    await played.is_told(1)
    for count in (2, 3):
        played.open[0].changed.set()
        await eventually_async(lambda count=count: played.renderings >= count)  # type: ignore[misc]
    assert len(played.told) == 1


async def test_a_page_is_rendered_at_once_and_then_not_before_it_has_rested(played: Played) -> None:
    played.rested.clear()
    await played.comes()
    await eventually_async(lambda: played.resting)
    played.open[0].changed.set()
    assert played.renderings == 1
    played.rested.set()
    await eventually_async(lambda: played.renderings >= 2)


async def test_ages_are_told_though_nothing_happens(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "AGES", 0.001)
    await played.comes()
    await eventually_async(lambda: played.renderings >= 3)


async def test_who_is_logged_out_is_sent_away_at_once_even_in_the_pause(played: Played) -> None:
    played.rested.clear()
    await played.comes()
    await played.is_told(1)
    played.open[0].withdrawn.set()
    await played.ends()
    reason = "You are logged out, or may not see this page any more."
    assert played.sent[-1] == {"type": "websocket.close", "code": 4001, "reason": reason}


async def test_a_page_that_is_not_there_any_more_is_closed(played: Played) -> None:
    await played.comes()
    await played.is_told(1)
    played.page = None
    played.open[0].changed.set()
    await played.ends()
    assert played.sent[-1]["code"] == 4001


async def test_a_database_out_of_reach_closes_no_page(played: Played, caplog: pytest.LogCaptureFixture) -> None:
    played.page = OperationalError("database is locked")
    await played.comes()
    await eventually_async(lambda: played.renderings >= 2)
    played.page = dict(FIRST)
    await played.is_told(1)
    said = "an open page is not kept up to date, the database cannot be reached: database is locked"
    assert said in caplog.messages


async def test_a_mistake_of_ours_does_not_make_the_page_load_itself_again(
    played: Played, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "remote_service.tasks")
    played.page = RuntimeError("a mistake")
    await played.comes()
    await played.ends()
    assert (played.sent[-1]["code"], played.sent[-1]["reason"]) == (1011, "The server failed to make the page.")


async def test_a_line_that_is_cut_while_it_is_told_ends_it(played: Played) -> None:
    await played.comes()
    await played.is_told(1)
    played.gone = True
    await played.changes(card="<li id=card>Running")
    await played.ends()
