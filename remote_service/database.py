"""Whether the database is what this release needs; and asking it from an event loop."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeGuard, TypeVar

from asgiref.sync import sync_to_async
from django.core.management.base import CommandError
from django.db import (
    DatabaseError,
    Error,
    InterfaceError,
    OperationalError,
    close_old_connections,
    connection,
    connections,
)
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.models.signals import pre_migrate

from remote_service.config.words import plural
from remote_service.filesystems import network_kind_of

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

RETRY_AFTER = 5
"""Seconds after which whoever asked while the database was away may ask again."""
SAID_EVERY = 10.0
"""Seconds for which one line of the log stands for all who asked."""


async def asked(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Calls a function that asks the database, in the thread that does so for this event loop.

    Django looks after the connections of requests only: without this, one that broke would be asked again for ever.

    Raises:
        django.db.Error: it does not answer; the next call makes another connection.
    """
    try:
        return await sync_to_async(function)(*args, **kwargs)
    except Error:
        await sync_to_async(close_old_connections)()
        raise


def register() -> None:
    """Lets changes of tables take as long as they take; called once when the app is ready."""
    pre_migrate.connect(_take_all_time, dispatch_uid="take all time")


def _take_all_time(using: str, **_told: Any) -> None:
    # Only our backend for PostgreSQL has it; who uses SQLite does not load that.
    if wait_for_ever := getattr(connections[using], "wait_for_ever", None):
        wait_for_ever()


def out_of_reach(error: BaseException | None) -> TypeGuard[Error]:
    """Whether it says that the database does not answer: not that a question makes no sense, or tables are missing."""
    if isinstance(error, OperationalError):
        return not str(error).startswith("no such ")
    return isinstance(error, InterfaceError)


class _Said:
    at = -SAID_EVERY
    """Monotonic seconds."""


def complain_of(error: Error) -> None:
    """Logs that somebody who asked for a page was told that the database is away; one line for all of a moment."""
    if (now := time.monotonic()) - _Said.at >= SAID_EVERY:
        _Said.at = now
        log.error("the database cannot be reached, and who asks for a page is told so (503): %s", error)


def database_file() -> Path | None:
    """SQLite's file, which need not be there; None when the database is on a server."""
    return Path(connection.settings_dict["NAME"]) if connection.vendor == "sqlite" else None


def missing_file() -> Path | None:
    """SQLite's file when it is not there: whoever asked the database anything would make an empty one."""
    file = database_file()
    return None if file is None or file.exists() else file


def unapplied_migrations() -> int:
    """How many migrations the database lacks; all of them when it is new.

    Raises:
        DatabaseError: it cannot be reached.
    """
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def later_migrations() -> int:
    """How many migrations the database has that this release does not know.

    Raises:
        DatabaseError: it cannot be reached.
    """
    loader = MigrationLoader(connection)
    ours = {app for app, _name in loader.disk_migrations}
    return sum(key[0] in ours for key in set(loader.applied_migrations or ()) - set(loader.disk_migrations))


def say_what_is_later() -> None:
    """Tells the log of a later release that has prepared the database: both work on it side by side."""
    if later := later_migrations():
        log.info("the database has %s of a later release, and serves this one too", plural(later, "migration"))


def refuse_shared_file() -> None:
    """Stops a command that would use SQLite on a file system of a network: two machines could write at once.

    Raises:
        CommandError: names the file system, and what to do.
    """
    file = database_file()
    if file is not None and (kind := network_kind_of(file.parent)):
        raise CommandError(
            f"the database {file} lies on a file system of a network ({kind}), where SQLite loses data; expected a "
            "disk of this machine. Set REMOTE_SERVICE_STATE_DIR to a local directory, or DATABASE_URL to a PostgreSQL "
            "database"
        )


def require_prepared_database() -> None:
    """Stops a command that could do nothing without its tables. A file that is not there is not made.

    Raises:
        CommandError: says what to type.
    """
    if missing := missing_file():
        raise CommandError(
            f"the database {missing} is not there; expected the one that 'make setup' makes. Type 'make setup'; or "
            "does the server use another REMOTE_SERVICE_STATE_DIR?"
        )
    refuse_shared_file()
    try:
        lacking = unapplied_migrations()
    except DatabaseError as error:
        raise CommandError(f"the database cannot be reached: {error}. Check DATABASE_URL") from error
    if lacking:
        file = database_file()
        name, variable = ("of DATABASE_URL", "DATABASE_URL") if file is None else (file, "REMOTE_SERVICE_STATE_DIR")
        raise CommandError(
            f"the database {name} lacks {lacking} migrations of this release; expected none. Type 'make setup', or "
            f"'.venv/bin/python manage.py prepare'; or does the server use another {variable}?"
        )
