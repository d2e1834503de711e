"""The site that the crash test runs on: the real thing, with a standby, restarted as systemd would."""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from tests.crash.service import Service
from tests.integration.serving import EXAMPLES, PROJECT, environment, manage

HERE = Path(__file__).resolve().parent
SCRIPTS = (EXAMPLES, PROJECT / "tests/integration/server/site_scripts", HERE / "scripts")
DESKTOP, PATTERN, NEXUS, SLOW, BROKEN, PROBE = "Desktop", "Pattern", "Nexus", "Slow", "Broken", "Probe"
OUTLIVING = (DESKTOP, NEXUS)
"""Types whose programs live on when the processes that hold them are killed; a pattern is a part of such a process."""
LIMITS = {"linger": None, "reconnect": None, "reservation_timeout": 60, "start_timeout": 60}


class CrashSite:
    """Folders, types, and two services: the server with its keeper, and the standby."""

    def __init__(self, root: Path, slots: int, variables: Mapping[str, str]) -> None:
        """Lays it out below `root`, which the session account can enter; prepares its database."""
        self.root = root
        self.state = root / "state"
        self.orders = root / "orders"
        self.marks_file = root / "marks" / "calls"
        self.secret = secrets.token_urlsafe(24)
        self.port = free_ports(1 + slots)
        """Where it listens; the Nexus script's servers listen at the ports behind."""
        self._database = variables.get("DATABASE_URL", "")
        self.orders.mkdir()
        self.marks_file.parent.mkdir()
        self.marks_file.parent.chmod(0o777)
        scripts = root / "scripts"
        scripts.mkdir(mode=0o755)
        for script in (script for folder in SCRIPTS for script in folder.iterdir() if script.is_file()):
            shutil.copy(script, scripts)
        sessions = root / "sessions.json"
        sessions.write_text(json.dumps(self._types(slots)))
        self.environment = {
            **environment(self.state),
            "COVERAGE_PROCESS_CONFIG": "",
            "REMOTE_SERVICE_CONFIG": str(sessions),
            "REMOTE_SERVICE_SCRIPT_DIRS": str(scripts),
            "REMOTE_SERVICE_HANDSHAKES_PER_MINUTE": "1000000",
            "WEBSOCKETSERVER_SECURITY_TOKEN": self.secret,
            # All of the site's processes have this one, so they can be told by it, too.
            "PYTHONPATH": str(shutil.copytree(HERE / "failpoints", root / "failpoints")),
            "CRASH_TEST_SITE": str(root),
            "REMOTE_SERVICE_SCRIPT_ENV": "CRASH_TEST_SITE",
            "CRASH_TEST_ORDERS": str(self.orders),
            **variables,
        }
        done = manage(self.environment, "prepare")
        assert done.returncode == 0, done.stderr
        serve = ("serve", "--workers", "2", "--port", str(self.port))
        self.server = Service(serve, self.environment, root / "server.out")
        self.standby = Service(("supervise",), self.environment, root / "standby.out")

    def _types(self, slots: int) -> dict[str, Any]:
        marks = {"marks": str(self.marks_file), "sizes": ["320x240"]}

        def entry(script: str, count: int, **options: Any) -> dict[str, Any]:
            return {"script": script, "count": count, "options": {**marks, **options}, "limits": LIMITS}

        return {
            DESKTOP: entry("marked_desktop.py", slots, command=["sleep", "infinity"]),
            PATTERN: entry("crash_pattern.py", slots),
            NEXUS: entry("nexus_style.py", slots, port=self.port + 1),
            SLOW: entry("crash_pattern.py", slots, mood="slow"),
            BROKEN: entry("crash_pattern.py", slots, mood="broken"),
            PROBE: entry("crash_pattern.py", 200),
        }

    def begin(self) -> None:
        """Starts both services."""
        self.server.begin()
        self.standby.begin()

    async def stop(self) -> dict[str, int | None]:
        """Stops both, the standby first; returns how each ended."""
        return {"supervise": await self.standby.stop(), "serve": await self.server.stop()}

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Asks the database, past the product."""
        if self._database:
            with psycopg.connect(self._database) as connection:
                return connection.execute(sql.encode()).fetchall()
        file = f"file:{self.state / 'gateway.sqlite3'}?mode=ro"
        with closing(sqlite3.connect(file, uri=True, timeout=20)) as connection:
            return connection.execute(sql).fetchall()


def uuid_text(value: Any) -> str:
    """A session's id as markers and logs have it, from whichever database."""
    return str(value if isinstance(value, UUID) else UUID(value))


def free_ports(count: int) -> int:
    """The first of so many ports at which nothing listens, below those that the system gives away by itself."""
    for first in range(20000, 32000, 100):
        try:
            for port in range(first, first + count):
                socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return first
    raise AssertionError(f"there are no {count} free ports in a row")
