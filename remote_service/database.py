"""Whether the database is what this release needs."""

from __future__ import annotations

from django.core.management.base import CommandError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor


def unapplied_migrations() -> int:
    """How many migrations the database lacks; all of them when it is new.

    Raises:
        DatabaseError: it cannot be reached.
    """
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def require_prepared_database() -> None:
    """Stops a command that could do nothing without its tables.

    Raises:
        CommandError: says what to type.
    """
    try:
        lacking = unapplied_migrations()
    except DatabaseError as error:
        raise CommandError(f"the database cannot be reached: {error}. Check DATABASE_URL") from error
    if lacking:
        raise CommandError(
            f"the database lacks {lacking} migrations of this release; expected none. "
            "Type 'make setup', or 'python manage.py prepare'"
        )
