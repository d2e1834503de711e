"""`manage.py supervise`: the supervisor alone, beside gateways under any ASGI server."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import Any

import uvloop
from django.core.management.base import BaseCommand, CommandError

from remote_service import channel_layer, conf, pid_file
from remote_service.database import require_prepared_database, say_what_is_later
from remote_service.hosting.account import AccountError, session_account
from remote_service.server import supervise


class Command(BaseCommand):
    """Starts, polls and stops sessions until SIGTERM; Ctrl-C ends them too, within 5 s."""

    help = (
        "Run the supervisor alone; a second one stands by. SIGTERM leaves the sessions to the next one, Ctrl-C ends "
        "them; SIGHUP reloads the sessions file."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own way to say it)

    def handle(self, *args: Any, **options: Any) -> None:
        """Supervises."""
        require_prepared_database()
        say_what_is_later()
        channel_layer.complain()
        try:
            session_account(conf.current().session_user)
            with ExitStack() as held:
                # For whoever looks whether one runs: who supervises is decided by the lease.
                with suppress(pid_file.AlreadyRunningError):
                    held.enter_context(pid_file.hold(conf.current().state_dir, pid_file.SUPERVISOR))
                uvloop.run(supervise(conf.current()))
        except AccountError as error:
            raise CommandError(str(error)) from error
