"""A site of a test's own, served by the real `manage.py serve` in a process of its own.

Everything of it lies below one directory that the session account can enter, as root's tests need it; the state
directory in it is as private as it must be.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from websockets.sync.client import ClientConnection, connect

from tests.integration.server.leftovers import Leftovers
from tests.waiting import eventually

PROJECT = Path(__file__).resolve().parents[3]
SCRIPTS = (PROJECT / "example_scripts", Path(__file__).parent / "site_scripts")
READY_WITHIN = 20.0
ENDS_WITHIN = 5.0
"""Seconds: the promise for SIGTERM, Ctrl-C and `/v1/stop`."""


class Answer(NamedTuple):
    """What the stand-alone REST said."""

    status: int
    body: Any


class Reservation(NamedTuple):
    """A slot that was reserved by REST."""

    token: str
    service: str
    index: int
    websocket: str


class Row(NamedTuple):
    """A session as the database has it."""

    id: str
    type_name: str
    state: str
    end_reason: str
    end_detail: str
    quarantined: bool


class Mark(NamedTuple):
    """A line that a script wrote: which call, of which session, in which process, when (monotonic seconds)."""

    call: str
    session: str
    pid: int
    at: float


@dataclass(frozen=True, slots=True)
class Ended:
    """How the server ended."""

    status: int
    seconds: float


class OwnSite:
    """State directory, sessions file, scripts; and the server, when it runs."""

    def __init__(self, root: Path, template: Path) -> None:
        """Lays the site out below `root`; `template` is a state directory that `manage.py prepare` made."""
        root.chmod(0o755)
        self.root = root
        self.state = root / "state"
        self.scripts = root / "scripts"
        self.marks_file = root / "marks" / "calls"
        self.sessions_file = root / "sessions.json"
        self.output_file = root / "server.out"
        self.token = secrets.token_urlsafe(24)
        self.port = free_port()
        # What never changes is shared: a thousand static files.
        shutil.copytree(template, self.state, ignore=shutil.ignore_patterns("static"))
        (self.state / "static").symlink_to(template / "static")
        self.scripts.mkdir(mode=0o755)
        for folder in SCRIPTS:
            for script in folder.iterdir():
                if script.is_file():
                    shutil.copy(script, self.scripts)
        self.marks_file.parent.mkdir()
        # The scripts run as another account when root runs the tests.
        self.marks_file.parent.chmod(0o777)
        self.environment = {
            **inherited_environment(),
            "REMOTE_SERVICE_STATE_DIR": str(self.state),
            "REMOTE_SERVICE_CONFIG": str(self.sessions_file),
            "REMOTE_SERVICE_SCRIPT_DIRS": str(self.scripts),
            "WEBSOCKETSERVER_SECURITY_TOKEN": self.token,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.leftovers = Leftovers(self.state)
        self._viewers = ExitStack()

    # ---- what is served ---------------------------------------------------------------------------------

    def entry(
        self, script: str, count: int = 1, options: Mapping[str, Any] | None = None, **keys: Any
    ) -> dict[str, Any]:
        """An entry of the sessions file whose script can leave marks."""
        marks = {"marks": str(self.marks_file), "sizes": ["320x240"]}
        return {"script": script, "count": count, "options": {**marks, **(options or {})}, **keys}

    def write_sessions(self, sessions: Mapping[str, Any]) -> None:
        """Writes the sessions file."""
        self.sessions_file.write_text(json.dumps(sessions))

    # ---- the server -------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self.process is not None
        return self.process.pid

    @property
    def address(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self.port}"

    def launch(self, *arguments: str) -> None:
        """Starts the server and does not wait."""
        with self.output_file.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--port", str(self.port), *arguments],
                cwd=PROJECT, env=self.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip

    def start(self, *arguments: str) -> None:
        """Starts the server and waits until it answers."""
        self.launch(*arguments)
        eventually(self._answers, within=READY_WITHIN)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the server ended with {self.process.returncode}:\n{self.output}"
        # It listens before it serves, so that only an answer tells.
        try:
            return self.get("/v1/status").status > 0
        except (urllib.error.URLError, ConnectionError):
            return False

    def wait_for_end(self, began: float, within: float = ENDS_WITHIN) -> Ended:
        """Waits until the server's process has gone; `began` is when it was asked to (monotonic seconds)."""
        assert self.process is not None
        status = self.process.wait(within)
        self.process = None
        return Ended(status, time.monotonic() - began)

    def signal(self, number: signal.Signals) -> Ended:
        """Sends a signal and waits for the end."""
        began = time.monotonic()
        os.kill(self.pid, number)
        return self.wait_for_end(began)

    def kill(self) -> None:
        """SIGKILL: the server gets to do nothing more."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait_for_end(time.monotonic())

    def clean(self) -> None:
        """Ends the server if it runs, and whatever its sessions left, for the next test's sake."""
        self._viewers.close()
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(2 * ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.leftovers.end(self.ids())

    @property
    def output(self) -> str:
        """Everything the server printed so far."""
        return self.output_file.read_text(errors="replace") if self.output_file.exists() else ""

    def hosts(self, type_name: str) -> list[psutil.Process]:
        """The script hosts of a type, found by the type's log, which is their standard output."""
        log = self.state / "logs" / "types" / f"{type_name.lower().replace(' ', '-')}.log"
        found = []
        for child in psutil.Process(self.pid).children():
            with suppress(OSError):
                if os.readlink(f"/proc/{child.pid}/fd/1") == str(log):
                    found.append(child)
        return found

    def manage(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs a management command to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT, env={**self.environment, **environment}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    # ---- the stand-alone REST ---------------------------------------------------------------------------

    def get(self, path: str, **query: str) -> Answer:
        """Calls the REST with the site's secret."""
        asked = urllib.parse.urlencode({"security_token": self.token, **query})
        try:
            with urllib.request.urlopen(f"{self.address}{path}?{asked}", timeout=30) as found:
                return Answer(found.status, json.load(found))
        except urllib.error.HTTPError as refused:
            with refused:
                return Answer(refused.code, json.load(refused))

    def reserve(self, type_name: str, **options: str) -> Reservation:
        """Reserves a slot; fails when that is refused."""
        status, body = self.get(f"/v1/reserve/{urllib.parse.quote(type_name)}", **options)
        assert status == 200, body
        return Reservation(body["token"], body["service"], body["index"], body["websocket"])

    def open(self, reservation: Reservation, *, timeout: float = 20.0) -> ClientConnection:
        """Opens a viewer's websocket; the site closes it at the latest when it is taken down."""
        address = f"ws://127.0.0.1:{self.port}{reservation.websocket}"
        viewer = connect(address, open_timeout=timeout, max_size=None, compression=None, close_timeout=1)
        return self._viewers.enter_context(viewer)

    def run_session(self, type_name: str) -> tuple[Reservation, ClientConnection]:
        """Reserves and opens, and waits for the banner: the session runs and has one viewer."""
        reservation = self.reserve(type_name)
        viewer = self.open(reservation)
        banner = viewer.recv(20)
        assert isinstance(banner, bytes)
        assert banner.startswith(b"RFB ")
        return reservation, viewer

    def free_slots(self, type_name: str) -> int:
        """How many slots of a type are free."""
        return int(self.get("/v1/status").body["services"][type_name]["free"])

    # ---- what it wrote ----------------------------------------------------------------------------------

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Reads the database, whether or not a server runs."""
        database = f"file:{self.state / 'gateway.sqlite3'}?mode=ro"
        with closing(sqlite3.connect(database, uri=True, timeout=20)) as connection:
            return connection.execute(sql, values).fetchall()

    def row(self, reservation: Reservation) -> Row:
        """A session's row."""
        hashed = hashlib.sha256(reservation.token.encode()).hexdigest()
        (found,) = self.query(f"{_ROWS} WHERE token_hash = ?", hashed)
        return _row(found)

    def rows(self) -> list[Row]:
        """The rows of all sessions there ever were."""
        return [_row(found) for found in self.query(_ROWS)]

    def ids(self) -> list[str]:
        """The ids of all sessions there ever were."""
        return [row.id for row in self.rows()]

    def marks(self) -> list[Mark]:
        """What the scripts wrote, in the order of time."""
        if not self.marks_file.exists():
            return []
        lines = (line.split() for line in self.marks_file.read_text().splitlines())
        return [Mark(call, session, int(pid), float(at)) for call, session, pid, at in lines]

    def calls(self, call: str, session: str) -> int:
        """How often a call of a session's script was made."""
        return sum(mark.call == call and mark.session == session for mark in self.marks())

    def session_log(self, session: str) -> str:
        """What a session's script printed."""
        return (self.state / "logs" / "sessions" / f"{session}.log").read_text(errors="replace")


_ROWS = "SELECT id, type_name, state, end_reason, end_detail, quarantined FROM remote_service_session"


def _row(found: tuple[Any, ...]) -> Row:
    text = str(found[0])
    session = "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:])) if len(text) == 32 else text
    return Row(session, *found[1:5], bool(found[5]))


def inherited_environment() -> dict[str, str]:
    """Ours without what configures a site; what tells script hosts to measure their coverage stays."""
    ours = ("REMOTE_SERVICE_", "WEBSOCKETSERVER_")
    kept = "REMOTE_SERVICE_SCRIPT_ENV"
    return {k: v for k, v in os.environ.items() if k == kept or not k.startswith(ours)}


def free_port() -> int:
    """A TCP port of the loopback interface that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cut(viewer: ClientConnection) -> None:
    """Cuts a viewer's line without a goodbye, as a closed laptop lid does."""
    viewer.socket.shutdown(socket.SHUT_RDWR)
    viewer.close()


@contextmanager
def site_below(root: Path, template: Path) -> Iterator[OwnSite]:
    """A site that is taken down, with all it left, at the end."""
    site = OwnSite(root, template)
    try:
        yield site
    finally:
        site.clean()
