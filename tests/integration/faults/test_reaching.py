"""A start where PostgreSQL or Redis cannot be reached, by TCP and by Unix socket; and a gateway without Redis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.faults.services import Postgres, RedisServer
from tests.integration.faults.site import ServicesSite, is_ready, readiness, started
from tests.integration.serving import environment, free_port, manage
from tests.waiting import eventually


@pytest.fixture
def nobodys(tmp_path: Path) -> Iterator[Path]:
    """A directory in which nobody listens."""
    yield tmp_path


@pytest.mark.parametrize("command", ["serve", "supervise"])
def test_a_start_without_postgresql_names_the_variable_and_the_host(
    command: str, postgres_template: Path, postgres: Postgres
) -> None:
    port = free_port()
    url = f"postgres://gateway:very-secret@127.0.0.1:{port}/gateway"

    ended = manage({**environment(postgres_template), "DATABASE_URL": url}, command)

    assert ended.returncode == 1
    assert ended.stderr.startswith("CommandError: the database cannot be reached: ")
    assert "Check DATABASE_URL" in ended.stderr
    assert "127.0.0.1" in ended.stderr
    assert str(port) in ended.stderr
    assert "very-secret" not in ended.stderr


def test_so_does_one_without_its_unix_socket_or_with_a_wrong_password(
    postgres_template: Path, postgres: Postgres, tmp_path: Path
) -> None:
    nowhere = {**environment(postgres_template), "DATABASE_URL": postgres.url(host=str(tmp_path))}
    ended = manage(nowhere, "serve")
    assert (ended.returncode, str(tmp_path) in ended.stderr, postgres.password in ended.stderr) == (1, True, False)

    wrong = {**environment(postgres_template), "DATABASE_URL": postgres.url(password="very-secret")}
    ended = manage(wrong, "serve")
    assert ended.returncode == 1
    assert 'password authentication failed for user "gateway"' in ended.stderr
    assert "very-secret" not in ended.stderr


@pytest.fixture
def late_redis() -> Iterator[RedisServer]:
    """One that is not started yet."""
    server = RedisServer()
    try:
        yield server
    finally:
        server.clean_up()


def test_over_unix_sockets_a_site_works_from_its_database_alone_until_redis_is_there(
    postgres: Postgres, postgres_template: Path, late_redis: RedisServer
) -> None:
    made = ServicesSite(postgres, postgres_template, CHANNEL_LAYER_URL=late_redis.unix_url)
    made.environment["DATABASE_URL"] = postgres.url(made.database, host=str(postgres.folder))
    with started(made) as site:
        assert "the channel layer of CHANNEL_LAYER_URL cannot be reached" in site.output
        assert str(late_redis.socket) in site.output
        assert not is_ready(site)
        # All else is as it must be, and sessions are launched, shown and stopped.
        assert {name for name, check in readiness(site).items() if not check["ok"]} == {"channel layer"}
        session = site.launch("alice", "Echo")
        with site.open_page("alice", session) as viewer:
            viewer.send(b"hello")
            assert viewer.recv(5) == b"hello"
        site.stop_session("alice", session)
        eventually(lambda: [row.state for row in site.rows()] == ["ended"])

        late_redis.start()

        eventually(lambda: is_ready(site), within=10)
        for secret in (late_redis.password, postgres.password):
            assert secret not in site.output
