"""`manage.py supervise`: the supervisor alone, beside gateways under any ASGI server."""

from __future__ import annotations

from typing import Any

import uvloop
from django.core.management.base import BaseCommand, CommandError

from remote_service import conf, pid_file
from remote_service.database import require_prepared_database
from remote_service.hosting.account import AccountError, session_account
from remote_service.server import supervise


class Command(BaseCommand):
    """Starts, polls and stops sessions until SIGTERM or Ctrl-C, then ends them within 5 s."""

    help = "Run the supervisor alone. SIGTERM and Ctrl-C end it with its sessions; SIGHUP reloads the sessions file."
    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own way to say it)

    def handle(self, *args: Any, **options: Any) -> None:
        """Supervises."""
        require_prepared_database()
        try:
            session_account(conf.current().session_user)
            with pid_file.hold(conf.current().state_dir):
                uvloop.run(supervise(conf.current()))
        except (pid_file.AlreadyRunningError, AccountError) as error:
            raise CommandError(str(error)) from error
