"""PostgreSQL and Redis for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.faults.services import Postgres, RedisServer
from tests.integration.faults.site import make_template


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
