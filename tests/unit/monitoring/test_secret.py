"""Who may read the figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory

from remote_service.errors import NotAllowedError, UnauthorizedError
from remote_service.monitoring.secret import check_reader, from_this_machine

TOKEN = "the figures' own secret"
LOOPBACK = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1:8000"}
ELSEWHERE = {"REMOTE_ADDR": "192.0.2.7", "HTTP_HOST": "desk.example.org"}


@pytest.fixture(autouse=True)
def _names(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", "desk.example.org"]


@pytest.fixture
def with_token(settings: Any) -> None:
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, metrics_token=TOKEN)


def asked(**traits: str) -> HttpRequest:
    return RequestFactory(**traits).get("/metrics")


@pytest.mark.parametrize(
    "traits",
    [
        LOOPBACK,
        {"REMOTE_ADDR": "::1", "HTTP_HOST": "[::1]:8000"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost"},
    ],
)
def test_this_machine_needs_no_token(traits: dict[str, str]) -> None:
    check_reader(asked(**traits))


@pytest.mark.parametrize(
    "traits",
    [
        ELSEWHERE,
        {**LOOPBACK, "REMOTE_ADDR": ""},
        {**LOOPBACK, "HTTP_HOST": "desk.example.org"},
        *({**LOOPBACK, header: "127.0.0.1"} for header in ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_VIA",
                                                          "HTTP_X_REAL_IP", "HTTP_X_FORWARDED_HOST")),
    ],
)  # fmt: skip
def test_what_comes_through_a_proxy_does_not_come_from_here(traits: dict[str, str]) -> None:
    assert not from_this_machine(asked(**traits))
    with pytest.raises(NotAllowedError) as caught:
        check_reader(asked(**traits))
    assert str(caught.value) == (
        "The figures are for this machine alone; set REMOTE_SERVICE_METRICS_TOKEN for others to read them."
    )


@pytest.mark.parametrize("shown", [f"Bearer {TOKEN}", f"bearer  {TOKEN} "])
def test_who_shows_the_token_may_come_from_anywhere(with_token: None, shown: str) -> None:
    check_reader(asked(**ELSEWHERE, HTTP_AUTHORIZATION=shown))


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer grüß"])
def test_another_token_or_none_is_told_so(with_token: None, shown: str) -> None:
    with pytest.raises(UnauthorizedError) as caught:
        check_reader(asked(**ELSEWHERE, HTTP_AUTHORIZATION=shown))
    assert str(caught.value) == "The figures' token is missing or wrong; expected it as a Bearer header."


def test_with_a_token_this_machine_still_needs_none(with_token: None) -> None:
    check_reader(asked(**LOOPBACK))


def test_an_empty_token_is_nobodys() -> None:
    with pytest.raises(NotAllowedError):
        check_reader(asked(**ELSEWHERE, HTTP_AUTHORIZATION="Bearer "))
