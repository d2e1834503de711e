"""`manage.py backup FILE`: the database as it is at one moment, in one file, while the server runs."""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
import subprocess
from argparse import ArgumentParser
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.template.defaultfilters import filesizeformat

from remote_service import conf
from remote_service.database import missing_file
from remote_service.state_dir import SECRET_KEY_FILE

PG_DUMP = "pg_dump"


class Command(BaseCommand):
    """Writes a file that only who typed the command can read, or none."""

    help = "Copy the database into a file while the server runs; docs/admins.md says what else belongs to a backup."
    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own way to say it)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to."""
        parser.add_argument("file", type=Path, help="the copy; one that is there is not written over")

    def handle(self, *args: Any, **options: Any) -> None:
        """Copies. Migrations may be lacking: an update is what one backs up for."""
        if missing := missing_file():
            raise CommandError(
                f"the database {missing} is not there; expected the server's. Does it use another "
                "REMOTE_SERVICE_STATE_DIR?"
            )
        path: Path = options["file"]
        copy = {"sqlite": copy_sqlite, "postgresql": copy_postgresql}[connection.vendor]
        descriptor = claim(path)
        try:
            copy(path, descriptor)
            os.fsync(descriptor)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
        self.stdout.write(f"{path}: the whole database, {filesizeformat(path.stat().st_size)}.".replace("\xa0", " "))
        self.stdout.write(
            f"Keep {conf.current().state_dir / SECRET_KEY_FILE} too, at another place: with both, everything that the "
            "database seals can be read."
        )


def claim(path: Path) -> int:
    """Makes the file, with mode 0600; returns a descriptor for writing to it.

    Raises:
        CommandError: there is such a file, or it cannot be made.
    """
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise CommandError(f"{path} is there already; name another file, or remove it.") from None
    except OSError as error:
        raise CommandError(
            f"{path} cannot be written: {error.strerror}; expected a path in a directory of yours."
        ) from error


def copy_sqlite(path: Path, _descriptor: int) -> None:
    """Copies by SQLite's own interface for it: one moment of the database, whoever writes meanwhile.

    Raises:
        CommandError: it did not succeed.
    """
    connection.ensure_connection()
    source: sqlite3.Connection = connection.connection
    try:
        with closing(sqlite3.connect(path)) as target:
            source.backup(target)
            # Without further files beside it, so that it can be read wherever it is put.
            target.execute("PRAGMA journal_mode=DELETE")
            (found,) = target.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise CommandError(
            f"the database could not be copied to {path}: {error}; expected room for all of it there."
        ) from error
    if found != "ok":
        raise CommandError(
            f"the copy of the database is damaged: {found}; most likely the database is as well. Stop the server and "
            "look at the disk."
        )


def copy_postgresql(path: Path, descriptor: int) -> None:
    """Has pg_dump copy, which knows how; it is given the password in its environment.

    Raises:
        CommandError: it is not there, or did not succeed; the message has the command.
    """
    client, variables = connection.client.settings_to_cmd_args_env(connection.settings_dict, [])
    command = [PG_DUMP, "--format=custom", *client[1:]]
    typed = f"{shlex.join(command)} > {shlex.quote(str(path))}"
    if shutil.which(PG_DUMP) is None:
        raise CommandError(
            f"{PG_DUMP} is not there; expected PostgreSQL's client programs in the PATH. Install them (Debian: "
            f"postgresql-client), or type on a machine that has them: umask 077 && {typed}"
        )
    done = subprocess.run(
        command,
        env={**os.environ, **(variables or {})},
        stdin=subprocess.DEVNULL,
        stdout=descriptor,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CommandError(f"{typed} ended with {done.returncode}: {done.stderr.strip()}")
