"""Making announcements, and ending them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from remote_service.models import Announcement
from tests.unit.webui.views.dashboard.desk import Desk, told
from webui.modules import import_closure


def test_an_announcement_is_made_shown_and_ended(desk: Desk) -> None:
    assert "None at the moment." in desk.see("announcements/")
    assert desk.do("announcements/", text="Cake at four.", level="warning") == "Users see it on every page in its time."
    assert told("announced") == ("Cake at four.", "mona", "192.0.2.7", "dashboard")
    made = Announcement.objects.get()
    assert (made.level, made.shown_until) == ("warning", None)
    page = desk.see("announcements/")
    assert "Cake at four. Shown warning" in page and "until somebody ends it" in page
    assert desk.do(f"announcements/{made.pk}/end") == "The announcement is shown no more."
    assert desk.do(f"announcements/{made.pk}/end") == "That announcement was over already."
    assert "None at the moment." in desk.see("announcements/")


def test_one_to_come_is_listed_and_says_so(desk: Desk) -> None:
    Announcement.objects.create(text="Cake tomorrow.", shown_from=timezone.now() + timedelta(days=1))
    assert "Cake tomorrow. To come information" in desk.see("announcements/")


def test_times_are_in_utc_and_say_beside_what_they_are_on_the_readers_clock(
    manager: User, visit: Callable[[User], Client]
) -> None:
    page = visit(manager).get("/dashboard/announcements/").content.decode()
    for name, label in (("shown_from", "From (UTC)"), ("shown_until", "Until (UTC)")):
        assert f'<label for="id_{name}">{label}</label>' in page
        assert f'<output class="field-help" for="id_{name}" data-own-clock="On your clock: {{}}"></output>' in page
    assert page.count("<output") == 2
    assert "webui/utc_fields.js" in import_closure("webui/dashboard.js")


def test_one_that_would_never_be_shown_is_refused(desk: Desk) -> None:
    page = desk.refused("announcements/", text="Cake.", level="info", shown_until="2001-01-01T00:00")
    assert "It would never be shown: this is over before it begins." in page
    assert not Announcement.objects.exists()
