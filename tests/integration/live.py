"""The real `manage.py serve` on a site of its own, for tests that talk to it from outside.

`tests/integration/conftest.py` makes two fixtures of it: `live`, one server for all tests of a worker, and
`own_server`, which starts servers that a test may stop, kill or configure. Both clean up all that is left.

    def test_something(live: LiveServer) -> None:
        token = live.rest("/v1/reserve/Pattern").body["token"]      # with the site's secret
        live.manage("reload_sessions")                              # a management command on its state directory
        cookie = live.login("alice")                                # through the login page
        session = live.launch("alice", "Pattern")                   # through the picker; the session's id

    async def test_a_viewer(live: LiveServer) -> None:
        async with live.websocket(f"/sessions/{session}/websockify", cookie=cookie, origin=live.url) as viewer:
            assert await viewer.recv() == b"RFB 003.008\\n"
"""

from __future__ import annotations

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
import urllib.parse
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from websockets.asyncio.client import connect

from tests.integration.pages import PASSWORD, SitePages, fetch, opener, unverified
from tests.waiting import eventually

PROJECT = Path(__file__).resolve().parents[2]
SCRIPT_DIRS = (PROJECT / "example_scripts", Path(__file__).parent / "relay_scripts")
USERS = {
    "alice": {"group": "ClusterRendering"},
    "bob": {"group": "ClusterRendering"},
    "charlie": {},
    "staff": {"is_staff": True},
    "looker": {"is_staff": True, "permission": "view_any_session"},
    "manager": {"is_staff": True, "permission": "manage_any_session"},
    "root": {"is_staff": True, "is_superuser": True},
}
READY_WITHIN = 30.0
ENDS_WITHIN = 5.0
"""Seconds: the promise for SIGTERM, Ctrl-C and `/v1/stop`."""

_MAKE_USERS = """
import json, sys
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission, User
users, password = json.loads(sys.stdin.readline())
hashed = make_password(password)
for name, traits in users.items():
    group, permission = traits.pop("group", None), traits.pop("permission", None)
    user = User.objects.create(username=name, password=hashed, **traits)
    if group:
        user.groups.add(Group.objects.get_or_create(name=group)[0])
    if permission:
        user.user_permissions.add(Permission.objects.get(codename=permission))
"""


class Answer(NamedTuple):
    """What the stand-alone REST said."""

    status: int
    body: Any


class Ended(NamedTuple):
    """How the server ended: its exit status, and after how many seconds."""

    status: int
    seconds: float


def environment(state: Path) -> dict[str, str]:
    """Ours without what is set for another site, and with the state directory."""
    of_a_site = ("REMOTE_SERVICE_", "WEBSOCKETSERVER_", "DATABASE_URL", "CHANNEL_LAYER_URL", "HOST", "PORT")
    # With this one, script hosts and runners measure their coverage.
    kept = {"REMOTE_SERVICE_SCRIPT_ENV"}
    ours = {k: v for k, v in os.environ.items() if k in kept or not k.startswith(of_a_site)}
    return {**ours, "REMOTE_SERVICE_STATE_DIR": str(state)}


def make_template(state: Path) -> Path:
    """Prepares a state directory with the users; servers work on copies of it. Takes a few seconds."""
    order = json.dumps([USERS, PASSWORD])
    for arguments in (["prepare"], ["shell", "--no-imports", "-c", _MAKE_USERS]):
        subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT, env=environment(state), input=order, text=True, check=True, capture_output=True, timeout=60,
        )  # fmt: skip
    return state


class LiveServer(SitePages):
    """One server: its state directory, its sessions file, its process. Nothing runs before `start`."""

    def __init__(
        self,
        root: Path,
        template: Path,
        sessions: Mapping[str, Any],
        *,
        tls: tuple[Path, Path] | None = None,
        **variables: str,
    ) -> None:
        """Lays the site out.

        Args:
            root: an empty directory for all of it.
            template: what `make_template` made.
            sessions: the sessions file's content.
            tls: certificate and key, to serve https and wss.
            variables: more of the server's environment.
        """
        super().__init__()
        self.root = root
        self.state = root / "state"
        self.sessions_file = root / "sessions.json"
        self.secret = secrets.token_urlsafe(24)
        """What the stand-alone REST asks for; `rest` shows it."""
        self.port = 0
        self.tls = tls
        shutil.copytree(template, self.state, symlinks=True)
        self.sessions_file.write_text(json.dumps(sessions))
        self.environment = {
            **environment(self.state),
            "REMOTE_SERVICE_CONFIG": str(self.sessions_file),
            "REMOTE_SERVICE_SCRIPT_DIRS": ":".join(map(str, SCRIPT_DIRS)),
            "WEBSOCKETSERVER_SECURITY_TOKEN": self.secret,
            **variables,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._seen: set[psutil.Process] = set()

    # ---- the process ------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None, "the server does not run"
        return self._process.pid

    @property
    def url(self) -> str:
        """Where its pages are, without a slash at the end; it is their Origin as well."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def start(self, *arguments: str) -> None:
        """Starts it and waits until it serves; another port is tried when somebody else was quicker."""
        for _ in range(5):
            self.port = free_port()
            if self._start(*arguments):
                return
        raise AssertionError(f"no port was to be had:\n{self.logs()}")

    def _start(self, *arguments: str) -> bool:
        tls = ["--cert", str(self.tls[0]), "--key", str(self.tls[1])] if self.tls else []
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--port", str(self.port), *tls, *arguments],
                cwd=PROJECT, env=self.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip

        def listens() -> bool:
            assert self._process is not None
            if self._process.poll() is not None:
                return True
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        eventually(listens, within=READY_WITHIN)
        status = self._process.poll()
        assert status is None or "ddress already in use" in self.logs(), self.logs()
        return status is None

    def stop(self, number: signal.Signals = signal.SIGTERM) -> Ended:
        """Sends a signal and waits for the end."""
        self.processes()
        began = time.monotonic()
        os.kill(self.pid, number)
        return self.wait_for_end(began)

    def kill(self) -> None:
        """SIGKILL: the server gets to do nothing more, and its sessions stay."""
        self.stop(signal.SIGKILL)

    def wait_for_end(self, began: float) -> Ended:
        """Waits until the process has gone; `began` is when it was asked to (monotonic seconds)."""
        assert self._process is not None
        status = self._process.wait(2 * ENDS_WITHIN)
        self._process = None
        return Ended(status, time.monotonic() - began)

    def processes(self) -> list[psutil.Process]:
        """The server and all its descendants that live; none once it has ended."""
        if self._process is None:
            return []
        server = psutil.Process(self.pid)
        found = [process for process in (server, *server.children(recursive=True)) if _lives(process)]
        self._seen.update(found)
        return found

    def survivors(self) -> list[psutil.Process]:
        """Of all processes that `processes` ever found those that still live."""
        return [process for process in self._seen if _lives(process)]

    def clean_up(self) -> list[str]:
        """Stops it if it runs and ends what is left; returns the command lines of what should not have been left."""
        if self._process is not None:
            self.stop()
        left = [" ".join(process.cmdline()) for process in self.survivors()]
        for process in self.survivors():
            process.kill()
        return left

    @property
    def _log(self) -> Path:
        return self.root / "server.log"

    def logs(self) -> str:
        """Everything that it printed so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a management command on the site, to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
            check=check,
        )  # fmt: skip

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Reads the database."""
        with closing(sqlite3.connect(f"file:{self.state / 'gateway.sqlite3'}?mode=ro", uri=True, timeout=20)) as found:
            return found.execute(sql, values).fetchall()

    # ---- the stand-alone REST ---------------------------------------------------------------------------

    def rest(self, path: str, **query: str) -> Answer:
        """Calls the REST with the site's secret; what is not JSON is returned as text."""
        asked = urllib.parse.urlencode({"security_token": self.secret, **query})
        page = fetch(opener(), f"{self.url}{path}?{asked}")
        return Answer(page.status, json.loads(page.text) if page.text.startswith("{") else page.text)

    def reserve(self, type_name: str, **options: str) -> str:
        """Reserves a slot by REST; returns the token."""
        status, body = self.rest(f"/v1/reserve/{urllib.parse.quote(type_name)}", **options)
        assert status == 200, body
        return str(body["token"])

    def instance(self, type_name: str, index: int = 0) -> dict[str, Any]:
        """A slot as `/v1/status` has it."""
        found: dict[str, Any] = self.rest("/v1/status").body["services"][type_name]["instances"][index]
        return found

    # ---- websockets -------------------------------------------------------------------------------------

    def websocket(self, path: str, cookie: str | None = None, origin: str | None = None, **options: Any) -> connect:
        """A viewer's connection, an async context manager (see `websockets.asyncio.client.connect`).

        Raises when it is entered:
            websockets.exceptions.InvalidStatus: the upgrade was refused.
        """
        return connect(
            f"{self.url.replace('http', 'ws', 1)}{path}",
            additional_headers={"Cookie": cookie} if cookie else None,
            **{
                "origin": origin, "subprotocols": ["binary"], "compression": None, "max_size": None, "proxy": None,
                "ping_interval": None, "close_timeout": 1, "ssl": unverified() if self.tls else None, **options,
            },
        )  # fmt: skip

    def viewer_of(self, token: str, **options: Any) -> connect:
        """A viewer by a token of the stand-alone REST."""
        return self.websocket(f"/websockify?token={token}", **options)

    def page_viewer(self, name: str, session: str, **options: Any) -> connect:
        """A viewer as a session's page opens it."""
        return self.websocket(f"/sessions/{session}/websockify", self.login(name), self.url, **options)


def free_port() -> int:
    """A TCP port of the loopback interface that nothing listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
