"""Relays in processes of their own, what they cost, and the peer that does the same."""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.product import PROJECT, free_port
from benchmarks.relay_ends import Door
from tests.integration.certificates import self_signed

WEBSOCKIFY = ("websockify==0.13.0", "numpy")
MOST_FILES = 65536
START_PATIENCE = 30.0


class Running(NamedTuple):
    """A relay's process, its port, and the port of its only endpoint."""

    process: psutil.Process
    port: int
    endpoint: int


@dataclass(frozen=True, slots=True)
class Subject:
    """A relay that is measured."""

    name: str
    process: psutil.Process
    port: int
    door: Door | None = None
    """The way to a session that greets, of one that has a site around it."""

    def cpu(self) -> float:
        """Seconds of CPU time so far: of living threads to the nanosecond (schedstat), of ended children by ticks."""
        spent = 0.0
        for process in self._tree():
            with suppress(OSError, psutil.NoSuchProcess):
                times = process.cpu_times()
                spent += times.children_user + times.children_system
                for task in Path(f"/proc/{process.pid}/task").iterdir():
                    spent += int((task / "schedstat").read_text().split()[0]) / 1e9
        return spent

    def memory(self) -> float:
        """KiB (PSS: what is shared is counted in parts) without files, whose parts depend on what else the machine
        runs."""
        found = 0
        for process in self._tree():
            with suppress(OSError):
                lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
                found += next(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:"))
        return float(found)

    def _tree(self) -> list[psutil.Process]:
        """Websockify forks a process for each viewer. A site's children are its scripts and sessions."""
        return [self.process] if self.door is not None else [self.process, *self.process.children(recursive=True)]


@contextmanager
def bare_relay(*, tier: str = "takeover", loop: str = "uvloop", tls: bool = False, **more: object) -> Iterator[Running]:
    """A relay of ours without a site around it; for `more` see `tests.integration.bare_relay`."""
    port, endpoint = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        options: dict[str, object] = {"port": port, "endpoint": endpoint, "tier": tier, "loop": loop, **more}
        if tls:
            options["cert"], options["key"] = map(str, self_signed(Path(folder)))
        environment = {
            **os.environ, "DJANGO_SETTINGS_MODULE": "sessions_config.settings", "REMOTE_SERVICE_STATE_DIR": folder,
        }  # fmt: skip
        command = [sys.executable, "-m", "tests.integration.bare_relay", json.dumps(options)]
        with subprocess.Popen(command, cwd=PROJECT, env=environment, stderr=subprocess.DEVNULL) as process:
            try:
                wait_for("the relay", process, port)
                yield Running(psutil.Process(process.pid), port, endpoint)
            finally:
                process.terminate()


def install_websockify(folder: Path) -> None:
    """Installs it there."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin/python", "-m", "pip", "install", "--quiet", "--quiet", *WEBSOCKIFY], check=True)


@contextmanager
def websockify(folder: Path) -> Iterator[Running]:
    """Runs what was installed there."""
    port, endpoint = free_port(), free_port()
    command = [str(folder / "bin/websockify"), f"127.0.0.1:{port}", f"127.0.0.1:{endpoint}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for("websockify", process, port)
            yield Running(psutil.Process(process.pid), port, endpoint)
        finally:
            process.terminate()


def allow_many_files() -> None:
    """As many as the shell's hard limit allows, for this process and those that it starts."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, MOST_FILES), hard))


def wait_for(what: str, process: subprocess.Popen[bytes], port: int) -> None:
    """Returns once it listens.

    Raises:
        RuntimeError: it does not in time, or has ended.
    """
    until = time.monotonic() + START_PATIENCE
    while process.poll() is None and time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{what} does not answer at port {port}; expected it to within {START_PATIENCE:g} s")
