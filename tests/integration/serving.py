"""The process of the real `manage.py serve` on a site of its own: laid out, started, ended, and cleaned up after."""

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
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from tests.environment import FOLDER, made_once, make_folder
from tests.integration.leftovers import Leftovers, lives
from tests.waiting import eventually

PROJECT = Path(__file__).resolve().parents[2]
EXAMPLES = PROJECT / "example_scripts"
ADMIN_PASSWORD = hashlib.sha256(str(FOLDER).encode()).hexdigest()[:16]
"""Of the user `admin` of every site here; another one in each run, since one test looks for it."""
READY_WITHIN = 30.0
LEAVE_WITHIN = 2.0
ENDS_WITHIN = 5.0
"""Seconds: the promise for SIGTERM, which leaves the sessions, and for Ctrl-C and `/v1/stop`, which end them."""


class Ended(NamedTuple):
    """How the server ended: its exit status, and after how many seconds."""

    status: int
    seconds: float


class ServedSite(ABC):
    """State directory, sessions file, scripts; and the server, when it runs. Nothing runs before `start`.

    All of it lies below one directory that the session account can enter, as root's tests need it; the state
    directory in it is as private as it must be.
    """

    SCRIPTS: tuple[Path, ...] = (EXAMPLES,)
    """Folders of session scripts. All go into one: a script may import what lies beside it."""

    def __init__(
        self,
        template: Path,
        sessions: Mapping[str, Any] | None = None,
        *,
        tls: tuple[Path, Path] | None = None,
        measured: bool = False,
        **variables: str,
    ) -> None:
        """Lays the site out.

        Args:
            template: a state directory that `manage.py prepare` made; the site works on a copy.
            sessions: the sessions file's content; `write_sessions` writes it later otherwise.
            tls: certificate and key, to serve https and wss.
            measured: whether the server, and all that it starts, measures its coverage, which costs processor time.
                What those that do not would add is measured in the tests' own processes and in script hosts.
            variables: more of the server's environment.
        """
        super().__init__()
        self.root = make_folder("site")
        self.state = self.root / "state"
        self.scripts = self.root / "scripts"
        self.sessions_file = self.root / "sessions.json"
        self.output_file = self.root / "server.out"
        self.secret = secrets.token_urlsafe(24)
        """What the stand-alone REST asks for."""
        self.port = free_port()
        self.tls = tls
        self.leftovers = Leftovers(self.state)
        # What never changes is shared: a thousand static files.
        shutil.copytree(template, self.state, ignore=shutil.ignore_patterns("static"))
        (self.state / "static").symlink_to(template / "static")
        self.scripts.mkdir(mode=0o755)
        for script in (script for folder in self.SCRIPTS for script in folder.iterdir() if script.is_file()):
            shutil.copy(script, self.scripts)
        if sessions is not None:
            self.write_sessions(sessions)
        self.environment = {
            **environment(self.state),
            **({} if measured else {"COVERAGE_PROCESS_CONFIG": ""}),
            "REMOTE_SERVICE_CONFIG": str(self.sessions_file),
            "REMOTE_SERVICE_SCRIPT_DIRS": str(self.scripts),
            "WEBSOCKETSERVER_SECURITY_TOKEN": self.secret,
            **variables,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def write_sessions(self, sessions: Mapping[str, Any]) -> None:
        """Writes the sessions file."""
        self.sessions_file.write_text(json.dumps(sessions))

    # ---- the process ------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None, "the server does not run"
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether the server was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def output(self) -> str:
        """Everything that the server printed so far."""
        return self.output_file.read_text(errors="replace") if self.output_file.exists() else ""

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server answers: it listens before it serves."""

    def start(self, *arguments: str) -> None:
        """Starts the server and waits until it answers; another port is tried when somebody else was quicker."""
        for _ in range(5):
            before = len(self.output)
            self.begin(*arguments)
            eventually(lambda: not self.runs or self.answers(), within=READY_WITHIN)
            if self.runs:
                return
            assert "ddress already in use" in self.output[before:], f"the server ended:\n{self.output}"
            self.port = free_port()
        raise AssertionError(f"no port was to be had:\n{self.output}")

    def begin(self, *arguments: str) -> None:
        """Starts the server and does not wait."""
        tls = ["--cert", str(self.tls[0]), "--key", str(self.tls[1])] if self.tls else []
        with self.output_file.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--port", str(self.port), *tls, *arguments],
                cwd=PROJECT, env=self.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip

    def stop(self, number: signal.Signals = signal.SIGINT) -> Ended:
        """Sends a signal and waits for the end; unless another one is given, it ends the sessions too."""
        self.leftovers.remember(self.pid)
        began = time.monotonic()
        os.kill(self.pid, number)
        return self.wait_for_end(began)

    def leave(self) -> Ended:
        """SIGTERM: the server ends, and its sessions stay until the next start finds them again."""
        return self.stop(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: the server gets to do nothing more, and its sessions stay."""
        self.stop(signal.SIGKILL)

    def wait_for_end(self, began: float) -> Ended:
        """Waits until the process has gone; `began` is when it was asked to (monotonic seconds)."""
        assert self._process is not None
        status = self._process.wait(ENDS_WITHIN)
        self._process = None
        return Ended(status, time.monotonic() - began)

    def processes(self) -> list[psutil.Process]:
        """The server and all its descendants that live."""
        server = psutil.Process(self.pid)
        return [process for process in (server, *server.children(recursive=True)) if lives(process)]

    def clean_up(self) -> list[str]:
        """Ends the server if it runs, and all that it left; returns what it should not have left, a line each."""
        if self._process is not None:
            self.leftovers.remember(self.pid, self.live_ids())
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(2 * ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        else:
            # A server that was killed, or has left, has left its sessions to the next one, which does not come.
            self.leftovers.remember(None, self.live_ids())
            self.leftovers.end(self.live_ids())
        # A runner leaves by itself once it has been told that its session is over, perhaps a moment after the server.
        with suppress(AssertionError):
            eventually(lambda: not self.leftovers.of(), within=LEAVE_WITHIN)
        left = self.leftovers.of()
        self.leftovers.end(self.ids())
        # A program that was killed just now may still have been at writing; the folder of the run goes at the end.
        with suppress(OSError):
            shutil.rmtree(self.root)
        return left

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a management command on the site, to its end."""
        return manage(self.environment, *arguments)

    # ---- the database -----------------------------------------------------------------------------------

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Reads the database, whether or not the server runs."""
        database = f"file:{self.state / 'gateway.sqlite3'}?mode=ro"
        with closing(sqlite3.connect(database, uri=True, timeout=20)) as connection:
            return connection.execute(sql, values).fetchall()

    def write(self, sql: str, *values: object) -> int:
        """Changes it, as the administration does; returns how many rows that were."""
        database = self.state / "gateway.sqlite3"
        with closing(sqlite3.connect(database, timeout=20, isolation_level=None)) as connection:
            return connection.execute(sql, values).rowcount

    def ids(self) -> list[str]:
        """The ids of all sessions there ever were, in the order in which they were made."""
        found = self.query("SELECT id FROM remote_service_session ORDER BY rowid")
        return [with_dashes(session) for (session,) in found]

    def live_ids(self) -> list[str]:
        """The ids of those that are not over."""
        found = self.query("SELECT id FROM remote_service_session WHERE state NOT IN ('ended', 'failed')")
        return [with_dashes(session) for (session,) in found]


def with_dashes(session: str) -> str:
    """A session's id as addresses and logs have it; SQLite has it without dashes."""
    return "-".join((session[:8], session[8:12], session[12:16], session[16:20], session[20:]))


def environment(state: Path) -> dict[str, str]:
    """Ours without what is set for another site, and with the state directory."""
    of_a_site = ("REMOTE_SERVICE_", "WEBSOCKETSERVER_", "DATABASE_URL", "CHANNEL_LAYER_URL", "HOST", "PORT")
    # With this one, script hosts and runners measure their coverage.
    kept = {"REMOTE_SERVICE_SCRIPT_ENV"}
    ours = {k: v for k, v in os.environ.items() if k in kept or not k.startswith(of_a_site)}
    return {**ours, "REMOTE_SERVICE_STATE_DIR": str(state)}


def manage(variables: Mapping[str, str], *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a management command to its end; `given` is its input."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT, env=variables, input=given, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def prepare(state: Path, **variables: str) -> Path:
    """Prepares a state directory, for sites to work on copies of it. Takes a few seconds."""
    done = manage({**environment(state), **variables}, "prepare")
    assert done.returncode == 0, done.stderr
    return state


def prepared() -> Path:
    """A state directory as `manage.py prepare` leaves it, for sites to work on copies of it; made once a run."""
    return made_once("prepared", lambda half: prepare(half, REMOTE_SERVICE_ADMIN_PASSWORD=ADMIN_PASSWORD))


def copy_of_prepared(state: Path) -> Path:
    """Makes one at a path, and returns that."""
    shutil.copytree(prepared(), state)
    return state


def free_port() -> int:
    """A TCP port of the loopback interface that nothing listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
