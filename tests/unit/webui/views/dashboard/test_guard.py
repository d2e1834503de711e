"""The dashboard is for those who may manage any session; for all others it is not there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory

from webui.views.dashboard.guard import staff_actor

Visit = Callable[[User], Client]


def test_who_is_not_logged_in_is_led_to_the_login(client: Client, db: None) -> None:
    assert client.get("/dashboard/")["Location"] == "/login/?next=/dashboard/"


@pytest.mark.parametrize("who", ["alice", "staff", "watcher"])
def test_for_all_others_it_is_not_there(request: pytest.FixtureRequest, visit: Visit, who: str) -> None:
    browser = visit(request.getfixturevalue(who))
    assert browser.get("/dashboard/").status_code == 404
    assert browser.post("/dashboard/site/switch", {"on": "false"}).status_code == 404
    assert "/dashboard/" not in browser.get("/password/").content.decode()


def test_who_may_use_it_finds_it_in_the_user_menu(manager: User, visit: Visit) -> None:
    browser = visit(manager)
    assert '<a href="/dashboard/">Dashboard</a>' in browser.get("/password/").content.decode()
    assert "no-store" in browser.get("/dashboard/")["Cache-Control"]


def test_events_say_that_it_was_done_there(manager: User) -> None:
    request = RequestFactory().post("/", REMOTE_ADDR="192.0.2.7")
    request.user = manager
    actor = staff_actor(request)
    assert (actor.name, actor.address, actor.door) == ("mona", "192.0.2.7", "dashboard")
