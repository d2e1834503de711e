"""`manage.py reload_sessions` asks through the row that the supervisor looks at."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command

from remote_service.management.commands import reload_sessions
from remote_service.models import Site


@pytest.mark.django_db
def test_each_call_asks_for_one_more_reload_and_nudges(monkeypatch: pytest.MonkeyPatch) -> None:
    nudged = []
    monkeypatch.setattr(reload_sessions, "nudge_supervisor", lambda: nudged.append(Site.load().reload_wanted))
    Site.objects.all().delete()
    printed = io.StringIO()
    for _ in range(2):
        call_command("reload_sessions", stdout=printed)
    site = Site.load()
    assert (site.reload_wanted, site.reload_done) == (2, 0)
    assert nudged == [1, 2]
    assert printed.getvalue() == (
        "Asked. The server reads the sessions file within a second; its log says what it found.\n" * 2
    )
