"""Whether the database is what this release needs."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder

from remote_service import database
from remote_service.database import (
    database_file,
    missing_file,
    require_prepared_database,
    say_what_is_later,
    unapplied_migrations,
)


@pytest.mark.django_db
def test_a_migrated_database_lacks_nothing() -> None:
    assert unapplied_migrations() == 0
    require_prepared_database()


@pytest.mark.django_db
def test_one_that_a_later_release_has_prepared_is_worked_on(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "remote_service.database")
    say_what_is_later()
    assert caplog.messages == []
    MigrationRecorder.Migration.objects.create(app="remote_service", name="9999_later")
    MigrationRecorder.Migration.objects.create(app="somebody_else", name="0001_initial")
    require_prepared_database()
    say_what_is_later()
    assert caplog.messages == ["the database has 1 migration of a later release, and serves this one too"]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the database's file would be; it is not there yet."""
    path = tmp_path / "gateway.sqlite3"
    monkeypatch.setitem(connection.settings_dict, "NAME", str(path))
    return path


def test_one_that_lacks_migrations_stops_the_command(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.touch()
    monkeypatch.setattr(database, "unapplied_migrations", lambda: 3)
    with pytest.raises(CommandError) as caught:
        require_prepared_database()
    assert str(caught.value) == (
        f"the database {file} lacks 3 migrations of this release; expected none. Type 'make setup', or "
        "'.venv/bin/python manage.py prepare'; or does the server use another REMOTE_SERVICE_STATE_DIR?"
    )


def test_one_on_a_server_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "database_file", lambda: None)
    monkeypatch.setattr(database, "unapplied_migrations", lambda: 3)
    with pytest.raises(CommandError) as caught:
        require_prepared_database()
    assert str(caught.value) == (
        "the database of DATABASE_URL lacks 3 migrations of this release; expected none. Type 'make setup', or "
        "'.venv/bin/python manage.py prepare'; or does the server use another DATABASE_URL?"
    )


def test_one_that_is_not_there_stops_the_command_and_is_not_made(file: Path) -> None:
    with pytest.raises(CommandError) as caught:
        require_prepared_database()
    assert str(caught.value) == (
        f"the database {file} is not there; expected the one that 'make setup' makes. Type 'make setup'; or does the "
        "server use another REMOTE_SERVICE_STATE_DIR?"
    )
    assert not file.exists()


def test_only_a_file_can_be_missing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (database_file(), missing_file()) == (file, file)
    file.touch()
    assert (database_file(), missing_file()) == (file, None)
    monkeypatch.setattr(connection, "vendor", "postgresql")
    assert (database_file(), missing_file()) == (None, None)


def test_one_that_cannot_be_reached_stops_the_command(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.touch()

    def unreachable() -> int:
        raise DatabaseError("connection refused")

    monkeypatch.setattr(database, "unapplied_migrations", unreachable)
    with pytest.raises(CommandError) as caught:
        require_prepared_database()
    assert str(caught.value) == "the database cannot be reached: connection refused. Check DATABASE_URL"


def test_sqlite_on_a_file_system_of_a_network_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.touch()
    monkeypatch.setattr(database, "network_kind_of", lambda _path: "nfs4")
    with pytest.raises(CommandError) as caught:
        require_prepared_database()
    assert str(caught.value) == (
        f"the database {file} lies on a file system of a network (nfs4), where SQLite loses data; expected a disk of "
        "this machine. Set REMOTE_SERVICE_STATE_DIR to a local directory, or DATABASE_URL to a PostgreSQL database"
    )


def test_a_database_on_a_server_lies_on_no_disk_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "database_file", lambda: None)
    monkeypatch.setattr(database, "network_kind_of", lambda _path: "nfs4")
    database.refuse_shared_file()


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (OperationalError("connection timeout expired"), True),
        (OperationalError("database is locked"), True),
        (InterfaceError("connection already closed"), True),
        (OperationalError("no such table: auth_user"), False),
        (IntegrityError("UNIQUE constraint failed"), False),
        (ValueError("a mistake of ours"), False),
        (None, False),
    ],
)
def test_only_a_database_that_does_not_answer_is_out_of_reach(error: Exception | None, away: bool) -> None:
    assert database.out_of_reach(error) is away


@pytest.mark.django_db
def test_changes_of_tables_take_as_long_as_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(connection, "wait_for_ever", lambda: asked.append(1), raising=False)
    call_command("migrate", verbosity=0)
    assert asked


async def test_who_asks_from_an_event_loop_is_answered() -> None:
    assert await database.asked(divmod, 7, 2) == (3, 1)


async def test_a_connection_that_broke_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    monkeypatch.setattr(database, "close_old_connections", lambda: closed.append(1))

    def broken() -> None:
        raise OperationalError("terminating connection due to administrator command")

    with pytest.raises(OperationalError, match=r"^terminating connection due to administrator command$"):
        await database.asked(broken)
    assert closed == [1]
