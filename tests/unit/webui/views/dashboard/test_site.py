"""The switch and the maintenance text."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import User
from django.test import Client

from remote_service.models import Site
from tests.unit.webui.views.dashboard.desk import Desk, told


def test_the_switch_is_turned_off_and_on(desk: Desk) -> None:
    assert "External sessions On" in desk.see("site/")
    assert desk.do("site/switch", on="false") == "No session can be launched now. Those that run go on."
    assert not Site.load().external_sessions_enabled
    assert told("switch turned") == ("External sessions are off.", "mona", "192.0.2.7", "dashboard")
    assert "External sessions Off" in desk.see("site/")
    assert desk.do("site/switch", on="true") == "Sessions can be launched again."
    assert Site.load().external_sessions_enabled


def test_the_pages_are_closed_with_a_text_and_opened_again(
    desk: Desk, alice: User, visit: Callable[[User], Client]
) -> None:
    said = desk.do("site/", text="New disks until noon.")
    assert said == "All but those who may manage sessions see this text instead of the pages now."
    assert told("maintenance began") == ("New disks until noon.", "mona", "192.0.2.7", "dashboard")
    assert "New disks until noon." in visit(alice).get("/").content.decode()
    assert "Pages are closed" in desk.see("site/")
    assert desk.do("site/open") == "The pages are open to everybody again."
    assert desk.do("site/open") == "The pages were open already."
    assert told("maintenance ended")[1] == "mona"
    assert visit(alice).get("/password/").status_code == 200


def test_pages_are_not_closed_without_a_text(desk: Desk) -> None:
    assert "This field is required." in desk.refused("site/", text="  ")
    assert Site.load().maintenance == ""
