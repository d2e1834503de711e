"""What the frame of every page is given, and that it costs nothing before it is used."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries

from remote_service.models import Announcement
from webui.page_context import page


def asked(path: str = "/", user: Any = None, method: str = "get", cookie: str = "") -> Any:
    request = getattr(RequestFactory(), method)(path)
    request.user = user or AnonymousUser()
    if cookie:
        request.COOKIES["theme"] = cookie
    return request


@pytest.mark.django_db
def test_nothing_is_asked_of_the_database_before_it_is_used(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        found = page(asked(cookie="dark"))
    assert (found["theme"], list(found["themes"]), found["maintenance"]) == ("dark", ["system", "light", "dark"], "")
    made = Announcement.objects.create(text="Cake at four.")
    assert found["site_announcements"]() == [made]


def test_it_says_who_finds_a_dashboard(alice: User, manager: User) -> None:
    assert [page(asked(user=user))["may_manage"]() for user in (None, alice, manager)] == [False, False, True]


def test_small_forms_lead_back_to_this_page_and_not_to_one_that_only_takes_posts() -> None:
    assert page(asked("/dashboard/sessions/?state=any&page=2"))["this_page"] == "/dashboard/sessions/?state=any&page=2"
    assert page(asked("/launch/", method="post"))["this_page"] == "/"


def test_an_address_cannot_be_made_to_lead_elsewhere() -> None:
    request = asked()
    request.path = "//elsewhere.example/x"
    assert page(request)["this_page"] == "/%2Felsewhere.example/x"
