"""`manage.py check_sessions [FILE]`: every problem of a sessions file and of the scripts that it names."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from remote_service import conf
from remote_service.checks import sessions_file_problems
from remote_service.config.problems import counts, has_errors, lines
from remote_service.hosting.account import AccountError


class Command(BaseCommand):
    """Prints the problems; exits with 1 when one of them is an error."""

    help = "Check the sessions file and load every script that it names, as the server would."
    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own way to say it)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file."""
        parser.add_argument("file", nargs="?", type=Path, help="default: the site's own sessions file")

    def handle(self, *args: Any, **options: Any) -> None:
        """Checks."""
        if options["file"]:
            settings.REMOTE_SERVICE = replace(conf.current(), sessions_file=options["file"].absolute())
        try:
            problems = sessions_file_problems()
        except AccountError as error:
            raise CommandError(str(error)) from error
        for line in lines(problems):
            self.stdout.write(line)
        self.stdout.write(f"{conf.current().sessions_file}: {counts(problems)}")
        if has_errors(problems):
            sys.exit(1)
