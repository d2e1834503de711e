"""PostgreSQL and Redis for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.faults.services import Postgres, RedisServer
from tests.integration.faults.site import ServicesSite, make_template, started
from tests.waiting import eventually


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A cluster that runs; whoever stops it starts it again."""
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.clean_up()


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> Path:
    """The state directory that goes with the database that sites copy."""
    return make_template(postgres)


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """A server that runs; likewise."""
    server = RedisServer()
    try:
        server.start()
        yield server
    finally:
        server.clean_up()


@pytest.fixture(scope="module")
def site(postgres: Postgres, postgres_template: Path, redis: RedisServer) -> Iterator[ServicesSite]:
    """A site of several processes on them; a module may have another one of its own."""
    made = ServicesSite(postgres, postgres_template, CHANNEL_LAYER_URL=redis.url)
    with started(made, "--workers", "2"):
        eventually(made.ready)
        yield made
