"""Runs one example script for real, without script host and runner: a session context for tests.

The script's calls run in the test's own process. Everything that they start carries the session's marker in
its environment, so that a test can say "nothing is left" and the clean-up finds what is.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import CompletedProcess, Popen
from types import ModuleType
from typing import Any

from remote_service.answers import Poll
from remote_service.endpoints import Endpoint, EndpointKind
from remote_service.script import RemoteServiceScript
from tests.waiting import eventually

EXAMPLE_SCRIPTS = Path(__file__).resolve().parents[2] / "example_scripts"
MARKER = "REMOTE_SERVICE_SESSION"


class Harness:
    """The session that a script sees, and what the test wants to know of it."""

    def __init__(self) -> None:
        self.session = str(uuid.uuid4())
        self.endpoint: Endpoint | None = None
        self.password: str | None = None
        self.secrets: list[str] = []
        self.spawned: list[Popen[bytes]] = []
        self.lines: list[str] = []
        self._scratch: Path | None = None
        self._log = logging.Logger(f"session {self.session}")
        self._log.addHandler(_Lines(self.lines))

    @property
    def log(self) -> logging.Logger:
        """Fills `lines`: "LEVEL message"."""
        return self._log

    @property
    def scratch(self) -> Path:
        """A private directory with a short path."""
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="rs-test-"))
        return self._scratch

    def publish(self, endpoint: Endpoint, password: str | None) -> None:
        """Keeps both for the test."""
        self.endpoint, self.password = endpoint, password

    def keep_secret(self, secret: str) -> None:
        """Keeps it, so that the test can look for it where it must not be."""
        self.secrets.append(secret)

    def run(
        self, argv: Sequence[str], *, timeout: float, env: Mapping[str, str] | None, cwd: str | Path | None
    ) -> CompletedProcess[str]:
        """Runs a command to its end."""
        return subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            check=False,
        )

    def spawn(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None,
        cwd: str | Path | None,
        pass_fds: Sequence[int],
    ) -> Popen[bytes]:
        """Starts a program that lives as long as the session."""
        process = Popen(
            argv,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )
        self.spawned.append(process)
        return process

    def poll(self) -> Poll:
        """What the spawned programs and a Unix socket say."""
        for process in self.spawned:
            if process.poll() is not None:
                return Poll.ended(f"process {process.pid} ended with {process.returncode}")
        if self.endpoint is None:
            return Poll.pending("no endpoint yet")
        if self.endpoint.kind is EndpointKind.UNIX and self.endpoint.path not in listening_paths():
            return Poll.ended(f"nothing listens at {self.endpoint}")
        return Poll.alive()

    def end_spawned(self) -> None:
        """What the runner does after `stop`: ends the spawned programs, politely first."""
        for process in self.spawned:
            process.terminate()
        for process in self.spawned:
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=5)

    def left(self) -> list[str]:
        """The command lines of the living processes that carry the marker, this one aside."""
        return [command_line(pid) for pid in self._marked()]

    def wait_until_nothing_is_left(self, timeout: float = 5.0) -> None:
        """Fails with the list of what is left after `timeout` seconds."""
        with suppress(AssertionError):
            eventually(lambda: not self.left(), timeout)
        assert self.left() == []

    def clean(self) -> None:
        """Ends whatever the script left, and removes the scratch directory."""
        self.end_spawned()
        for pid in self._marked():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _marked(self) -> list[int]:
        mark = f"{MARKER}={self.session}".encode()
        pids = (int(entry) for entry in os.listdir("/proc") if entry.isdigit() and int(entry) != os.getpid())
        return [pid for pid in pids if alive(pid) and mark in _read(pid, "environ").split(b"\0")]


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(f"{record.levelname} {record.getMessage()}")


@contextmanager
def realized(
    file_name: str, options: Mapping[str, Any] | None = None, *, name: str = "Example", index: int = 0
) -> Iterator[tuple[RemoteServiceScript, Harness]]:
    """A service of an example script in a session of its own; whatever it leaves is ended at the end."""
    service = load(file_name).realize_service(
        name=name, count=index + 1, index=index, common_options=dict(options or {})
    )
    assert isinstance(service, RemoteServiceScript)
    harness = Harness()
    service._context = harness
    before = os.environ.get(MARKER)
    os.environ[MARKER] = harness.session
    try:
        yield service, harness
    finally:
        if before is None:
            del os.environ[MARKER]
        else:
            os.environ[MARKER] = before
        harness.clean()
        for program in vars(service).get("_programs", ()):
            program.wait(timeout=5)  # else it warns of a child that nobody waited for


def load(file_name: str) -> ModuleType:
    """Imports an example script as a script host does: what lies beside it can be imported by it."""
    if str(EXAMPLE_SCRIPTS) not in sys.path:
        sys.path.insert(0, str(EXAMPLE_SCRIPTS))
    spec = importlib.util.spec_from_file_location(f"example_{Path(file_name).stem}", EXAMPLE_SCRIPTS / file_name)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wait_for_end(pid: int) -> None:
    """Waits until the process runs no more."""
    eventually(lambda: not alive(pid), 10)


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    state = _read(pid, "stat").rpartition(b")")[2].split()
    return bool(state) and state[0] != b"Z"


def command_line(pid: int) -> str:
    """A process' command line; empty when it has gone."""
    return _read(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()


def everything_shown_of_processes() -> bytes:
    """Command lines and environments of all processes, this one aside: where no secret may be."""
    pids = [entry for entry in os.listdir("/proc") if entry.isdigit() and int(entry) != os.getpid()]
    return b"\n".join(_read(int(pid), name) for pid in pids for name in ("cmdline", "environ"))


def processes_with(text: str) -> list[int]:
    """The living processes with this text in their command line, this one aside."""
    pids = (int(entry) for entry in os.listdir("/proc") if entry.isdigit() and int(entry) != os.getpid())
    return [pid for pid in pids if text in command_line(pid) and alive(pid)]


def listening_paths() -> set[str]:
    """The Unix sockets that listen."""
    lines = Path("/proc/net/unix").read_text(errors="replace").splitlines()[1:]
    fields = [line.split() for line in lines]
    return {field[7] for field in fields if len(field) == 8 and int(field[3], 16) & 0x10000}


def listening_ports(pid: int) -> list[str]:
    """Where a process listens by TCP: "address:port" in the kernel's hexadecimal digits (proc(5))."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            inodes.add(os.readlink(descriptor).removeprefix("socket:[").removesuffix("]"))
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                found.append(fields[1])
    return sorted(found)


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
