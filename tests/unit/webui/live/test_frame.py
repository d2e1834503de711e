"""What stands above every page, as a fragment."""

from __future__ import annotations

from django.contrib.auth.models import User

from remote_service.models import Announcement, Site
from webui.live.frame import NOTES, closed_for, framed


def test_announcements_stand_above_every_page(alice: User) -> None:
    made = Announcement.objects.create(text="Cake at <four>.", level="warning")
    fragments = framed(alice, {"page": "<p>"})
    assert fragments["page"] == "<p>"
    assert "Cake at &lt;four&gt;." in fragments[NOTES]
    assert f'data-announcement="{made.pk}"' in fragments[NOTES]
    assert fragments[NOTES].startswith('<div id="site-notes"')


def test_maintenance_closes_the_pages_for_all_but_those_who_may_manage_sessions(
    alice: User, watcher: User, manager: User
) -> None:
    Site.objects.create(pk=1, maintenance="New disks.")
    assert [closed_for(user) for user in (alice, watcher, manager)] == [True, True, False]
    assert "New disks." in framed(manager, {})[NOTES]
    Site.objects.update(maintenance="")
    assert not closed_for(alice)
