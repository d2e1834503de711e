"""A site whose database is PostgreSQL's, and whose nudges travel through Redis."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection

from tests.integration.conftest import raw
from tests.integration.faults.services import Postgres
from tests.integration.live import LiveServer, make_users
from tests.integration.pages import fetch, opener
from tests.integration.serving import copy_of_prepared, environment, prepare

LINGER = 4.0
"""Seconds that sessions of these sites wait for a viewer who has left."""
SESSIONS: dict[str, Any] = {
    "Echo": {
        "script": "program_session.py", "count": 20, "options": raw("echo"), "stream": "raw",
        "limits": {"linger": LINGER, "reconnect": 60},
    },
}  # fmt: skip
TEMPLATE = "template_with_users"


def make_template(postgres: Postgres) -> Path:
    """Prepares a database with users in it, for sites to have copies of; returns its state directory."""
    postgres.create(TEMPLATE)
    variables = {"DATABASE_URL": postgres.url(TEMPLATE)}
    state = prepare(copy_of_prepared(postgres.folder / "template"), **variables)
    make_users(state, {**environment(state), **variables})
    return state


class ServicesSite(LiveServer):
    """One of them."""

    def __init__(self, postgres: Postgres, template: Path, **variables: str) -> None:
        """Lays the site out on a database of its own."""
        self._postgres = postgres
        self.database = f"site_{uuid.uuid4().hex[:8]}"
        postgres.create(self.database, TEMPLATE)
        super().__init__(template, SESSIONS, **{"DATABASE_URL": postgres.url(self.database), **variables})

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Reads the database, by statements that are written for SQLite."""
        asked = sql.replace("?", "%s").replace("rowid", "created_at")
        with self._postgres.connect(self.database) as connection:
            rows = connection.execute(asked.encode(), values).fetchall()
        return [tuple(value.hex if isinstance(value, uuid.UUID) else value for value in row) for row in rows]

    def ready(self) -> bool:
        """Whether `/readyz` is green."""
        return is_ready(self)


def is_ready(site: LiveServer) -> bool:
    """Whether `/readyz` of a site is green."""
    page = fetch(opener(), f"{site.url}/readyz")
    assert page.status == (200 if json.loads(page.text)["ready"] else 503)
    return page.status == 200


def readiness(site: LiveServer) -> Mapping[str, Mapping[str, Any]]:
    """What `/readyz` tells staff."""
    site.login("staff")
    found: Mapping[str, Mapping[str, Any]] = json.loads(site.get("staff", "/readyz").text)["checks"]
    return found


@contextmanager
def started(site: LiveServer, *arguments: str) -> Iterator[LiveServer]:
    """Runs a site for the time of a block."""
    try:
        site.start(*arguments)
        yield site
    finally:
        site.clean_up()


def echoes(viewer: ClientConnection, data: bytes = b"still here") -> None:
    """Asserts that a viewer's line carries something there and back."""
    viewer.send(data)
    assert viewer.recv(5) == data
