"""`manage.py backup`: a private file with all of it, or none and the reason."""

from __future__ import annotations

import io
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from remote_service import conf
from remote_service.management.commands import backup
from remote_service.models import Session

SETTINGS = {
    "ENGINE": "django.db.backends.postgresql", "NAME": "gateway", "USER": "me", "PASSWORD": "hush", "HOST": "db",
    "PORT": 5433, "OPTIONS": {"sslmode": "require"},
}  # fmt: skip
TYPED = "pg_dump --format=custom -U me -h db -p 5433 gateway > copy"


@pytest.fixture(autouse=True)
def _here(gateway_settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def write(path: str = "copy") -> str:
    printed = io.StringIO()
    call_command("backup", path, stdout=printed)
    return printed.getvalue()


def refused(path: str = "copy") -> str:
    with pytest.raises(CommandError) as found:
        write(path)
    return str(found.value)


# ---- SQLite -------------------------------------------------------------------------------------------------


@pytest.fixture
def session(transactional_db: None) -> Session:
    return Session.objects.create(type_name="Desktop", index=0, door="web", token_hash="1")


def test_the_copy_is_whole_private_and_one_file(session: Session) -> None:
    size, key = write().splitlines()
    assert size.startswith("copy: the whole database, ") and size.endswith(" KB.")
    assert key == (
        f"Keep {conf.current().state_dir / 'secret_key'} too, at another place: with both, everything that the "
        "database seals can be read."
    )
    assert stat.S_IMODE(os.stat("copy").st_mode) == 0o600
    with closing(sqlite3.connect("file:copy?mode=ro", uri=True)) as copy:
        assert copy.execute("SELECT type_name FROM remote_service_session").fetchall() == [("Desktop",)]
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert os.listdir() == ["copy"]


def test_no_file_is_written_over(session: Session) -> None:
    Path("copy").write_text("precious")
    assert refused() == "copy is there already; name another file, or remove it."
    assert Path("copy").read_text() == "precious"


def test_a_link_that_leads_nowhere_is_not_followed(session: Session) -> None:
    Path("copy").symlink_to("elsewhere")
    assert refused() == "copy is there already; name another file, or remove it."
    assert not Path("elsewhere").exists()


def test_a_file_that_cannot_be_made_is_told(session: Session) -> None:
    assert refused("nowhere/copy") == (
        "nowhere/copy cannot be written: No such file or directory; expected a path in a directory of yours."
    )


def test_a_database_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "missing_file", lambda: Path("/srv/var/gateway.sqlite3"))
    assert refused() == (
        "the database /srv/var/gateway.sqlite3 is not there; expected the server's. Does it use another "
        "REMOTE_SERVICE_STATE_DIR?"
    )
    assert os.listdir() == []


class Target:
    """A connection to a copy on which something is wrong."""

    def __init__(self, error: sqlite3.Error | None = None, found: str = "ok") -> None:
        self._error = error
        self._found = found

    def backup(self, _target: Target) -> None:
        if self._error:
            raise self._error

    def execute(self, _sql: str) -> Target:
        return self

    def fetchone(self) -> tuple[str]:
        return (self._found,)

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (
            Target(sqlite3.OperationalError("database or disk is full")),
            "the database could not be copied to copy: database or disk is full; expected room for all of it there.",
        ),
        (
            Target(found="row 5 missing"),
            "the copy of the database is damaged: row 5 missing; most likely the database is as well. Stop the server "
            "and look at the disk.",
        ),
    ],
)
def test_half_a_copy_does_not_stay(monkeypatch: pytest.MonkeyPatch, target: Target, says: str) -> None:
    class Source:
        vendor = "sqlite"
        connection = target

        def ensure_connection(self) -> None: ...

    monkeypatch.setattr(backup, "missing_file", lambda: None)
    monkeypatch.setattr(backup, "connection", Source())
    monkeypatch.setattr(backup.sqlite3, "connect", lambda _path: target)
    assert refused() == says
    assert os.listdir() == []


# ---- PostgreSQL ---------------------------------------------------------------------------------------------


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The PATH of a site with PostgreSQL: programs are put there."""
    from django.db.backends.postgresql.client import DatabaseClient

    class Postgresql:
        vendor = "postgresql"
        client = DatabaseClient
        settings_dict = SETTINGS

    monkeypatch.setattr(backup, "missing_file", lambda: None)
    monkeypatch.setattr(backup, "connection", Postgresql())
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def put(folder: Path, script: str) -> None:
    program = folder / "pg_dump"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_pg_dump_copies_a_database_on_a_server(programs: Path) -> None:
    put(programs, 'echo "$@"; echo "$PGPASSWORD $PGSSLMODE"')
    assert write().startswith("copy: the whole database, ")
    assert Path("copy").read_text() == "--format=custom -U me -h db -p 5433 gateway\nhush require\n"
    assert stat.S_IMODE(os.stat("copy").st_mode) == 0o600


def test_what_pg_dump_complains_of_is_told(programs: Path) -> None:
    put(programs, "echo half; echo 'pg_dump: error: server version mismatch' >&2; exit 1")
    assert refused() == f"{TYPED} ended with 1: pg_dump: error: server version mismatch"
    assert os.listdir() == []


def test_without_pg_dump_it_says_what_to_type(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(programs))
    assert refused() == (
        "pg_dump is not there; expected PostgreSQL's client programs in the PATH. Install them (Debian: "
        f"postgresql-client), or type on a machine that has them: umask 077 && {TYPED}"
    )
    assert os.listdir() == []
