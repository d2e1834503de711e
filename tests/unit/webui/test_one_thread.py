"""Tests of the middleware that keeps a request in one thread."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from asgiref.sync import SyncToAsync
from django.conf import settings as configured
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient
from django.urls import path
from pytest_django import Settings

OURS = "webui.one_thread.one_thread"
DJANGOS = ["django.middleware.common.CommonMiddleware", "django.middleware.clickjacking.XFrameOptionsMiddleware"]


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(threading.get_ident()))


async def asynchronous(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse(str(threading.get_ident()))


urlpatterns = [path("plain", plain), path("asynchronous", asynchronous)]


@pytest.fixture
def hops(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what went from the event loop to a thread."""
    gone: list[str] = []
    go = SyncToAsync.__call__

    async def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        gone.append(self.func.__name__)
        return await go(self, *args, **kwargs)

    monkeypatch.setattr(SyncToAsync, "__call__", counted)
    settings.ROOT_URLCONF = __name__
    return gone


PROCESSING = {"process_request", "process_response"}


async def test_a_middleware_goes_to_a_thread_and_back_by_itself(hops: list[str], settings: Settings) -> None:
    settings.MIDDLEWARE = DJANGOS
    response = await AsyncClient().get("/plain")
    assert int(response.content) != threading.get_ident()
    assert set(hops) >= PROCESSING


async def test_with_ours_the_whole_request_does(hops: list[str], settings: Settings) -> None:
    settings.MIDDLEWARE = [*DJANGOS, OURS]
    response = await AsyncClient().get("/plain")
    assert int(response.content) != threading.get_ident()
    assert hops != []
    assert not PROCESSING & set(hops)


@pytest.mark.usefixtures("hops")
async def test_an_asynchronous_view_runs_in_the_event_loop(settings: Settings) -> None:
    settings.MIDDLEWARE = [*DJANGOS, OURS]
    response = await AsyncClient().get("/asynchronous")
    assert int(response.content) == threading.get_ident()


def test_it_stands_last_in_our_own_settings() -> None:
    assert configured.MIDDLEWARE[-1] == OURS
