"""`manage.py support_bundle SESSION`: everything that helps to find out why a session went wrong, in one file."""

from __future__ import annotations

import io
import os
import tarfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from remote_service.database import require_prepared_database
from remote_service.references import find_session
from remote_service.support_bundle import bundle


class Command(BaseCommand):
    """Writes a tar.gz that only who typed the command can read."""

    help = "Write what is known of a session into one file, without secrets, to be sent to those who can help."
    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own way to say it)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which session, and where to."""
        parser.add_argument("session", help="its id, or the reference that pages show: the first 8 characters of it")
        parser.add_argument(
            "--output", type=Path, metavar="FILE", help="default: support-REFERENCE.tar.gz in this directory"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Finds it, gathers and writes."""
        require_prepared_database()
        session = find_session(options["session"])
        path = options["output"] or Path(f"support-{session.reference}.tar.gz")
        _write(path, f"support-{session.reference}", bundle(session))
        self.stdout.write(f"{path}: what is known of the session {session.pk} ({session.type_name}), without secrets.")
        self.stdout.write("Names of users and addresses of clients are in it.")


def _write(path: Path, folder: str, files: dict[str, str]) -> None:
    """Writes the archive, with mode 0600.

    Raises:
        CommandError: there is such a file, or it cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise CommandError(f"{path} is there already; name another file with --output, or remove it.") from None
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
    now = timezone.now().timestamp()
    with os.fdopen(descriptor, "wb") as output, tarfile.open(fileobj=output, mode="w:gz") as archive:
        for name, text in files.items():
            data = text.encode(errors="replace")
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size, member.mtime, member.mode = len(data), int(now), 0o600
            archive.addfile(member, io.BytesIO(data))
