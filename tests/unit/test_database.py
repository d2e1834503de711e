"""Whether the database is what this release needs."""

from __future__ import annotations

import pytest
from django.core.management.base import CommandError
from django.db import DatabaseError

from remote_service import database
from remote_service.database import require_prepared_database, unapplied_migrations


@pytest.mark.django_db
def test_a_migrated_database_lacks_nothing() -> None:
    assert unapplied_migrations() == 0
    require_prepared_database()


def test_one_that_lacks_migrations_stops_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "unapplied_migrations", lambda: 3)
    with pytest.raises(CommandError) as caught:
        require_prepared_database()
    assert str(caught.value) == (
        "the database lacks 3 migrations of this release; expected none. "
        "Type 'make setup', or 'python manage.py prepare'"
    )


def test_one_that_cannot_be_reached_stops_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable() -> int:
        raise DatabaseError("connection refused")

    monkeypatch.setattr(database, "unapplied_migrations", unreachable)
    with pytest.raises(CommandError) as caught:
        require_prepared_database()
    assert str(caught.value) == "the database cannot be reached: connection refused. Check DATABASE_URL"
