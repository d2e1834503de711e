"""Announcements are shown in their time, and not again to who has put them away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from remote_service.models import Announcement
from webui.announcements import COOKIE, put_away, shown_announcements

pytestmark = pytest.mark.django_db


def announce(text: str, begins: float = -1, ends: float | None = None) -> Announcement:
    """One from `begins` to `ends`, in hours from now."""
    now = timezone.now()
    until = None if ends is None else now + timedelta(hours=ends)
    return Announcement.objects.create(text=text, shown_from=now + timedelta(hours=begins), shown_until=until)


def texts(request: Any) -> list[str]:
    return [announcement.text for announcement in shown_announcements(request)]


def test_those_are_shown_whose_time_it_is_the_latest_first() -> None:
    announce("without end", -2)
    announce("over", -2, -1)
    announce("until later", -1, 1)
    announce("to come", 1)
    assert texts(RequestFactory().get("/")) == ["until later", "without end"]


def test_it_takes_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for number in range(5):
        announce(str(number))
    with django_assert_num_queries(1):
        shown_announcements(RequestFactory().get("/"))


def test_what_was_put_away_is_not_shown_while_the_browser_is_open() -> None:
    first, second = announce("first", -2), announce("second")
    request = RequestFactory().get("/")
    for announcement in (first, second):
        response = HttpResponse()
        put_away(request, response, announcement.pk)
        cookie = response.cookies[COOKIE]
        assert (cookie["max-age"], cookie["expires"]) == ("", "")
        request.COOKIES[COOKIE] = cookie.value
    assert request.COOKIES[COOKIE] == f"{first.pk}.{second.pk}"
    announce("third")
    assert texts(request) == ["third"]


@pytest.mark.parametrize(
    "cookie", ["nonsense", "1" * 400, "-1", "999999999999999", "1;2", "\N{ARABIC-INDIC DIGIT ONE}"]
)
def test_a_cookie_may_hold_anything(cookie: str) -> None:
    kept = Announcement.objects.create(pk=77, text="shown")
    request = RequestFactory().get("/")
    request.COOKIES[COOKIE] = cookie
    assert texts(request) == [kept.text]


def test_a_cookie_does_not_grow_without_end() -> None:
    request = RequestFactory().get("/")
    request.COOKIES[COOKIE] = ".".join(map(str, range(200)))
    response = HttpResponse()
    put_away(request, response, 4711)
    assert response.cookies[COOKIE].value.split(".") == [*map(str, range(151, 200)), "4711"]
