"""PostgreSQL and Redis of the tests' own: with passwords, at TCP ports and Unix sockets, to be stopped and started.

They run as the session account when root runs the tests, since PostgreSQL refuses root.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from redis import Redis, RedisError

from tests.environment import make_folder
from tests.integration.serving import free_port
from tests.waiting import eventually
from tools.system_packages import find_program

ACCOUNT = "remote-session" if os.geteuid() == 0 else None
STARTS_WITHIN = 20.0


class Service(ABC):
    """A program of somebody else that the site needs."""

    def __init__(self, kind: str) -> None:
        """Makes its folder."""
        self.folder = make_folder(kind)
        if ACCOUNT:
            shutil.chown(self.folder, ACCOUNT)
        self.port = free_port()
        # What an address must have quoted, and what must never be shown.
        self.password = f"p/w:{secrets.token_urlsafe(12)}"
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """The argument list that starts it."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it does."""

    def start(self) -> None:
        """Starts it, with what it had, and waits until it answers."""
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                self.command(), cwd=self.folder, user=ACCOUNT, group=ACCOUNT, extra_groups=[] if ACCOUNT else None,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        eventually(self.answers, within=STARTS_WITHIN)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Ends it without waiting for its clients."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(20)
            self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """For the time of a block nothing of it runs: connections are taken by its machine's kernel, and no more."""
        assert self._process is not None
        parent = psutil.Process(self._process.pid)
        # The parent first: it could make children meanwhile.
        parent.suspend()
        stopped = [parent]
        try:
            for child in parent.children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    child.suspend()
                    stopped.append(child)
            yield
        finally:
            for process in stopped:
                with suppress(psutil.NoSuchProcess):
                    process.resume()

    def restart(self) -> None:
        """Both."""
        self.stop()
        self.start()

    def clean_up(self) -> None:
        """Ends it, and removes what it had."""
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


class Postgres(Service):
    """A cluster with one user; SIGINT is its "fast" end."""

    def __init__(self) -> None:
        """Makes the cluster; it is not started yet."""
        super().__init__("postgres")
        (self._programs,) = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]
        word = self.folder / "password"
        word.write_text(self.password)
        subprocess.run(
            [self._programs / "initdb", "-D", self.folder / "data", "-U", "gateway", "-A", "scram-sha-256",
             "-E", "UTF8", "--pwfile", word, "--no-sync", "--no-instructions", "--locale", "C"],
            cwd=self.folder, user=ACCOUNT, group=ACCOUNT, extra_groups=[] if ACCOUNT else None, check=True,
            capture_output=True,
        )  # fmt: skip

    def command(self) -> list[str]:
        """Nothing here has to outlive a power cut."""
        settings = {
            "port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self.folder, "fsync": "off",
            "full_page_writes": "off", "shared_buffers": "16MB", "max_connections": 60,
        }  # fmt: skip
        told = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self._programs / "postgres"), "-D", str(self.folder / "data"), *told]

    def url(self, database: str = "gateway", *, host: str = "127.0.0.1", password: str = "") -> str:
        """What DATABASE_URL says; a directory for `host` is one with a Unix socket in it."""
        word = quote(password or self.password, safe="")
        return f"postgres://gateway:{word}@{quote(host, safe='')}:{self.port}/{database}"

    def connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        """A connection of the test's own, each statement of which stands by itself."""
        return psycopg.connect(
            host=str(self.folder), port=self.port, user="gateway", password=self.password, dbname=database,
            autocommit=True,
        )  # fmt: skip

    def create(self, database: str, template: str = "template1") -> None:
        """Makes a database, as a copy of another one."""
        with self.connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {database} TEMPLATE {template}".encode())

    def answers(self) -> bool:
        """It takes connections."""
        with suppress(psycopg.Error):
            self.connect("postgres").close()
            return True
        return False


class RedisServer(Service):
    """Redis, which keeps nothing on any disk."""

    def __init__(self) -> None:
        """Prepares; it is not started yet."""
        super().__init__("redis")
        self.socket = self.folder / "redis.sock"

    def command(self) -> list[str]:
        """With a password for both doors."""
        program = find_program("redis-server")
        assert program is not None
        return [
            program, "--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", str(self.socket),
            "--unixsocketperm", "777", "--requirepass", self.password, "--save", "", "--appendonly", "no",
        ]  # fmt: skip

    @property
    def url(self) -> str:
        """What CHANNEL_LAYER_URL says for its port."""
        return f"redis://:{quote(self.password, safe='')}@127.0.0.1:{self.port}/0"

    @property
    def unix_url(self) -> str:
        """The same for its Unix socket."""
        return f"unix://:{quote(self.password, safe='')}@{self.socket}?db=0"

    def answers(self) -> bool:
        """It takes commands."""
        with suppress(RedisError), Redis.from_url(self.unix_url) as client:
            return bool(client.ping())
        return False
