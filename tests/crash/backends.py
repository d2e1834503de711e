"""A PostgreSQL and a Redis of the test's own, at Unix sockets in its folder; what is missing is done without."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

from tests.waiting import eventually

ACCOUNT = "postgres"
"""PostgreSQL refuses to run as root; its Debian package makes this account."""


@contextmanager
def backends(folder: Path) -> Iterator[dict[str, str]]:
    """Starts what this machine has; yields the variables by which a site finds it, none for what is missing."""
    with ExitStack() as running:
        variables = {}
        if (programs := _postgresql()) is not None:
            variables["DATABASE_URL"] = running.enter_context(_postgres(programs, folder / "postgresql"))
        if (redis := shutil.which("redis-server")) is not None:
            variables["CHANNEL_LAYER_URL"] = running.enter_context(_redis(redis, folder / "redis"))
        yield variables


def names(variables: dict[str, str]) -> str:
    """What the site works with, for the report."""
    database = "PostgreSQL" if "DATABASE_URL" in variables else "SQLite"
    layer = "Redis" if "CHANNEL_LAYER_URL" in variables else "no Redis"
    return f"{database}, {layer}"


def _postgresql() -> Path | None:
    """Where its programs are: the newest of Debian's versions."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@contextmanager
def _postgres(programs: Path, folder: Path) -> Iterator[str]:
    folder.mkdir(mode=0o700)
    account = ACCOUNT if os.getuid() == 0 else None
    if account:
        shutil.chown(folder, account)
    data = folder / "data"
    made = subprocess.run(
        [programs / "initdb", "-A", "trust", "-U", "gateway", "-N", "-D", data],
        user=account, cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    options = {"listen_addresses": "", "unix_socket_directories": str(folder), "max_connections": "200"}
    arguments = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, *arguments], user=account, cwd=folder, stdout=log, stderr=log
        )
    try:
        ask = [programs / "pg_isready", "-q", "-h", folder, "-U", "gateway", "-d", "postgres"]
        eventually(lambda: subprocess.run(ask, check=False).returncode == 0, within=20)
        yield f"postgres://gateway@{quote(str(folder), safe='')}/postgres"
    finally:
        server.terminate()
        # Connections that killed processes have left do not hold a fast shutdown up.
        server.send_signal(2)
        server.wait(20)


@contextmanager
def _redis(program: str, folder: Path) -> Iterator[str]:
    folder.mkdir(mode=0o700)
    socket = folder / "redis.sock"
    server = subprocess.Popen(
        [program, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder], stdout=subprocess.DEVNULL
    )
    try:
        eventually(socket.exists, within=10)
        yield f"unix://{socket}"
    finally:
        server.terminate()
        server.wait(10)
