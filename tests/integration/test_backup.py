"""`manage.py backup` while somebody writes, and with a real PostgreSQL; copies of both are restored."""

from __future__ import annotations

import os
import pwd
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.environment import folder
from tests.integration.serving import copy_of_prepared, environment, free_port, manage, prepare

PASSWORD = "hush hush"
ACCOUNT = "postgres"
"""As whom PostgreSQL runs when root runs the tests: it refuses to run as root."""


def test_a_copy_is_of_one_moment_although_somebody_writes(tmp_path: Path) -> None:
    state = copy_of_prepared(tmp_path / "state")
    enough = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(state / "gateway.sqlite3", timeout=20)) as database:
            database.execute("CREATE TABLE one (number)")
            database.execute("CREATE TABLE other (number)")
            number = 0
            while not enough.wait(0.001):
                number += 1
                with database:
                    for table in ("one", "other"):
                        database.execute(f"INSERT INTO {table} VALUES (?)", [number])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for copy in (tmp_path / "first", tmp_path / "second"):
            done = manage(environment(state), "backup", str(copy))
            assert done.returncode == 0, done.stderr
    finally:
        enough.set()
        writer.join()
    counts = []
    for copy in (tmp_path / "first", tmp_path / "second"):
        with closing(sqlite3.connect(copy)) as database:
            one, other = (database.execute(f"SELECT max(number) FROM {name}").fetchone() for name in ("one", "other"))
        assert one == other
        counts.append(one[0])
    assert 0 < counts[0] < counts[1]


MAKE_SESSIONS = """
from datetime import timedelta
from django.utils import timezone
from remote_service.models import Session
keys = {"type_name": "Desktop", "door": "web"}
Session.objects.create(
    pk="1e392889-41dd-4afa-8000-000000000001", index=0, state="running", token_hash="1", **keys
)
long_ago = timezone.now() - timedelta(days=181)
Session.objects.create(index=1, state="ended", ended_at=long_ago, token_hash="2", **keys)
"""
TIDY = """
import asyncio
from django.utils import timezone
from remote_service import conf, retention
for _ in range(2):
    removed = asyncio.run(retention.tidy(conf.current(), list, timezone.now()))
    print(removed["Session"], end="\\n" if _ else " ")
"""
"""Removes what is old, twice; prints how many sessions that were."""


def programs() -> Path | None:
    """Where PostgreSQL's own programs are; Debian keeps them out of the PATH."""
    found = shutil.which("initdb")
    places = [Path(found)] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return places[-1].parent if places else None


@pytest.fixture
def postgresql() -> Iterator[str]:
    """A server of its own with the empty databases `gateway` and `restored`; where it is, without a name."""
    bin_dir = programs()
    if bin_dir is None:
        pytest.skip("PostgreSQL's initdb is not there (Debian: postgresql)")
    other = {"user": ACCOUNT} if os.geteuid() == 0 else {}
    port = free_port()
    with folder("postgresql") as place:
        password = place / "password"
        password.write_text(PASSWORD)
        if other:
            entry = pwd.getpwnam(ACCOUNT)
            for path in (place, password):
                os.chown(path, entry.pw_uid, entry.pw_gid)

        def run(*command: str) -> None:
            subprocess.run(command, check=True, cwd=place, capture_output=True, timeout=60, **other)  # type: ignore[call-overload]

        data = str(place / "data")
        initdb = [str(bin_dir / "initdb"), "--no-sync", "--auth=scram-sha-256", "--username=me", "--pwfile=password"]
        run(*initdb, "--pgdata", data)
        control = [str(bin_dir / "pg_ctl"), "--pgdata", data, "--wait"]
        run(*control, "--log", str(place / "log"), "-o", f"-p {port} -k {place} -h 127.0.0.1 -F", "start")
        try:
            for name in ("gateway", "restored"):
                ask(port, "postgres", f"CREATE DATABASE {name}")
            yield f"me:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{port}"
        finally:
            run(*control, "--mode=immediate", "stop")


def ask(port: int, database: str, sql: str) -> str:
    """What psql prints."""
    return psql(["psql", "--tuples-only", "--no-align", "--command", sql], port, database)


def psql(command: list[str], port: int, database: str) -> str:
    """Runs one of PostgreSQL's client programs to its end."""
    done = subprocess.run(
        [*command, "--host=127.0.0.1", f"--port={port}", "--username=me", f"--dbname={database}"],
        env={**os.environ, "PGPASSWORD": PASSWORD}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_copy_of_postgresql_is_made_and_restored(postgresql: str, tmp_path: Path) -> None:
    where = postgresql
    port = int(where.rpartition(":")[2])
    url = f"postgres://{where}/gateway"
    state = prepare(copy_of_prepared(tmp_path / "state"), DATABASE_URL=url)
    site = {**environment(state), "DATABASE_URL": url}
    assert manage(site, "shell", "--no-imports", "-c", MAKE_SESSIONS).returncode == 0

    done = manage(site, "backup", str(tmp_path / "copy"))

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
    psql(["pg_restore", str(tmp_path / "copy")], port, "restored")
    assert ask(port, "restored", "SELECT username FROM auth_user") == "admin\n"
    restored = {**site, "DATABASE_URL": f"postgres://{where}/restored"}
    assert "1e392889   running" in manage(restored, "sessions", "list").stdout
    assert "Desktop" in manage(restored, "sessions", "show", "1e39288941dd").stdout
    assert manage(restored, "shell", "--no-imports", "-c", TIDY).stdout == "1 0\n"


def test_of_a_postgresql_that_does_not_answer_the_command_is_told_without_the_password(tmp_path: Path) -> None:
    state = copy_of_prepared(tmp_path / "state")
    site = {**environment(state), "DATABASE_URL": f"postgres://me:hush@127.0.0.1:{free_port()}/gateway"}
    done = manage(site, "backup", str(tmp_path / "copy"))
    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: pg_dump --format=custom -U me -h 127.0.0.1 -p ")
    assert "Connection refused" in done.stderr
    assert "hush" not in done.stderr
    assert not (tmp_path / "copy").exists()
