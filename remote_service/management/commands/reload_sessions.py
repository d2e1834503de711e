"""`manage.py reload_sessions`: asks the supervisor to read the sessions file again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import F

from remote_service.database import require_prepared_database
from remote_service.models import Site
from remote_service.nudges import nudge_supervisor


class Command(BaseCommand):
    """Asks through a row, so it works from any machine that reaches the database."""

    help = "Ask the running server to read the sessions file again; sessions that run go on."
    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own way to say it)

    def handle(self, *args: Any, **options: Any) -> None:
        """Asks."""
        require_prepared_database()
        Site.load()
        Site.objects.filter(pk=1).update(reload_wanted=F("reload_wanted") + 1)
        nudge_supervisor()
        self.stdout.write("Asked. The server reads the sessions file within a second; its log says what it found.")
