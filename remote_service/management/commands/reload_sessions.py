"""`manage.py reload_sessions`: has the supervisor read the sessions file again, and prints what it found."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from remote_service import conf, pid_file, staff
from remote_service.actors import whoever_types
from remote_service.config.problems import Problem, counts, file_unusable, has_errors, lines
from remote_service.config.words import plural
from remote_service.database import require_prepared_database
from remote_service.models import SessionType, Site

_GAP = 0.1
"""Seconds between two looks at the row; the database is all that this process and the supervisor share."""


class Command(BaseCommand):
    """Asks through a row, so it works from any machine that reaches the database. Exits with 1 on an error."""

    help = "Have the running server read the sessions file again and say what it found; sessions that run go on."
    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own way to say it)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The time."""
        parser.add_argument(
            "--timeout", type=float, default=60.0, help="seconds to wait for the server (default %(default)g)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Asks, waits and prints."""
        require_prepared_database()
        state_dir = conf.current().state_dir
        if connection.vendor == "sqlite" and not pid_file.is_held(state_dir):
            raise CommandError(
                f"No server is running with the state directory {state_dir}, so there is none to read the sessions file"
                " again; the next start does. Or set REMOTE_SERVICE_STATE_DIR to the server's."
            )
        before = Site.load()
        site = self._answered(staff.ask_to_reload(whoever_types()), options["timeout"])
        if site.loaded_at == before.loaded_at:
            raise CommandError("The server could not read the sessions file again; its log says why.")
        problems = [Problem.from_dict(problem) for problem in site.problems]
        for line in lines(problems):
            self.stdout.write(line)
        served = plural(SessionType.objects.count(), "session type")
        if file_unusable(problems):
            self.stdout.write(f"The server could not read the sessions file: {counts(problems)}.")
            self.stdout.write(f"What it read before stays in force: {served}.")
        else:
            self.stdout.write(f"The server has read the sessions file: {served}, {counts(problems)}.")
        ours = conf.current().sessions_file
        if other := site.other_than(ours):
            self.stdout.write(f"That is {other}, which the server was started with; this command was told {ours}.")
        if has_errors(problems):
            sys.exit(1)

    def _answered(self, wanted: int, timeout: float) -> Site:
        """The row once the supervisor has done what is wanted."""
        deadline = time.monotonic() + timeout
        while (site := Site.load()).reload_done < wanted:
            if time.monotonic() >= deadline:
                raise CommandError(
                    f"No server has read the sessions file within {timeout:g} s. Is one running, with the same"
                    " REMOTE_SERVICE_STATE_DIR or DATABASE_URL as this command? If not, the next start reads the file."
                )
            time.sleep(_GAP)
        return site
