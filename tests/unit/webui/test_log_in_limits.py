"""Log-ins wait for their turn; those that come too often, or among too many, are told when to try again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from remote_service.admission import log_ins
from remote_service.admission.log_ins import AT_ONCE, MOST_OF_ONE, MOST_WAITING, bounds
from remote_service.admission.turnstile import Turnstile
from remote_service.tasks import spawn
from tests.conftest import PASSWORD
from webui import log_in_limits
from webui.log_in_limits import HASHING, limit_log_ins

PER_MINUTE = 3


@pytest.fixture(autouse=True)
def _few(settings: Any) -> Iterator[None]:
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, log_ins_per_minute=PER_MINUTE)
    log_ins._bounds.clear()
    yield
    log_ins._bounds.clear()


class Pages:
    """The pages behind the bounds, which answer when they may."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.may = asyncio.Event()
        self.may.set()
        self.working = 0
        self.seen = 0

        async def page(_request: HttpRequest) -> HttpResponse:
            self.working += 1
            self.seen += 1
            await self.may.wait()
            self.working -= 1
            return HttpResponse(status=self.status)

        self._front = limit_log_ins(page)

    async def ask(self, path: str = "/login/", method: str = "POST", address: str = "192.0.2.7") -> HttpResponse:
        request = RequestFactory(REMOTE_ADDR=address).generic(method, path)
        return await self._front(request)


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_log_ins_that_fail_are_so_many_a_minute() -> None:
    pages = Pages()
    answers = [await pages.ask() for _ in range(PER_MINUTE + 1)]
    assert [answer.status_code for answer in answers] == [200] * PER_MINUTE + [429]
    assert answers[-1]["Retry-After"] == "20"
    assert pages.seen == PER_MINUTE
    assert (await pages.ask(address="192.0.2.8")).status_code == 200


async def test_a_whole_course_may_log_in_from_one_address() -> None:
    pages = Pages(status=302)
    assert {(await pages.ask()).status_code for _ in range(10 * PER_MINUTE)} == {302}


async def test_what_hashes_no_password_is_not_counted() -> None:
    pages = Pages()
    for path, method in (("/login/", "GET"), ("/logout/", "POST"), ("/nowhere/", "POST"), ("/theme/", "POST")):
        assert {(await pages.ask(path, method)).status_code for _ in range(2 * PER_MINUTE)} == {200}


async def test_so_many_are_hashed_at_once_and_so_many_wait() -> None:
    pages = Pages()
    pages.may.clear()
    asked = [spawn(pages.ask(address=f"192.0.2.{n}"), name=str(n)) for n in range(AT_ONCE + MOST_WAITING)]
    await settled()
    assert pages.working == AT_ONCE
    crowded = await pages.ask(address="192.0.2.99")
    assert (crowded.status_code, crowded["Retry-After"]) == (429, "5")
    pages.may.set()
    assert {(await one).status_code for one in asked} == {200}


async def test_one_address_does_not_take_everybodys_turn(settings: Any) -> None:
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, log_ins_per_minute=1000)
    pages = Pages()
    pages.may.clear()
    asked = [spawn(pages.ask(), name=str(n)) for n in range(MOST_OF_ONE)]
    await settled()
    assert (await pages.ask()).status_code == 429
    other = spawn(pages.ask(address="192.0.2.8"), name="other")
    await settled()
    pages.may.set()
    assert {(await one).status_code for one in (*asked, other)} == {200}
    assert (await pages.ask()).status_code == 200


async def test_who_waits_too_long_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    pages, here = Pages(), bounds()
    monkeypatch.setattr(here, "_turnstile", Turnstile(1, most_waiting=9, patience=0))
    pages.may.clear()
    first = spawn(pages.ask(), name="first")
    await settled()
    assert (await pages.ask()).status_code == 429
    pages.may.set()
    assert (await first).status_code == 200
    assert here._under_way == {}


async def test_who_hangs_up_makes_no_room_before_its_password_is_hashed() -> None:
    pages = Pages()
    pages.may.clear()
    asked = [spawn(pages.ask(address=f"192.0.2.{n}"), name=str(n)) for n in range(AT_ONCE)]
    await settled()
    for one in asked:
        one.cancel()
    waiting = spawn(pages.ask(address="192.0.2.99"), name="waiting")
    await settled()
    assert pages.seen == AT_ONCE
    pages.may.set()
    assert (await waiting).status_code == 200


def test_every_page_that_hashes_a_password_is_known() -> None:
    for name in HASHING:
        assert log_in_limits._hashes(reverse(name, args=[1] if "user_password" in name else []))


def test_who_is_refused_reads_why_and_when_to_try_again(
    client: Client, make_user: Callable[..., Any], settings: Any
) -> None:
    make_user("alice")
    wrong = {"username": "nobody", "password": "wrong"}
    assert [client.post("/login/", wrong).status_code for _ in range(PER_MINUTE)] == [200] * PER_MINUTE
    refused = client.post("/login/", {"username": "alice", "password": PASSWORD})
    assert refused.status_code == 429
    text = " ".join(re.sub("<[^>]+>", " ", refused.content.decode()).split())
    assert "Many log-ins came at once, or from your address. Yours was not looked at: try again in 20 seconds." in text
    assert "Sessions that run are not affected." in text
    assert refused["Retry-After"] in ("19", "20")
    assert "no-store" in refused["Cache-Control"]
    assert refused["X-Frame-Options"] == "DENY"
    assert refused["Content-Security-Policy"] == client.get("/login/")["Content-Security-Policy"]
    assert refused["Content-Language"] == "en"
    assert client.get("/login/").status_code == 200


@pytest.mark.parametrize("path", ["/login/", "/admin/login/"])
def test_the_doors_of_pages_and_of_the_administration_count_together(client: Client, db: None, path: str) -> None:
    other = {"/login/": "/admin/login/"}.get(path, "/login/")
    for _ in range(PER_MINUTE):
        client.post(other, {"username": "nobody", "password": "wrong"})
    assert client.post(path, {"username": "nobody", "password": "wrong"}).status_code == 429
