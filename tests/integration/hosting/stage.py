"""Script hosts and runners without a server: loads scripts that a test writes, and follows their sessions.

Everything lies below one directory that other accounts can enter, so that scripts may run as one.
"""

from __future__ import annotations

import asyncio
import os
import signal
import textwrap
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from remote_service.hosting import processes
from remote_service.hosting.account import script_environment
from remote_service.hosting.client import LOAD_TIMEOUT, HostOrder, Loaded, RunnerLink, ScriptHost
from remote_service.hosting.scratch import scratch_left_by
from remote_service.hosting.status import Phase, Status
from remote_service.leftovers import end_marked, socket_path
from remote_service.tasks import spawn
from tests import waiting

TOKEN = "a-token-that-nobody-guesses"
PATIENCE = 30.0
"""Seconds for what takes milliseconds on a machine that has nothing else to do."""

HURRY = """
# Imported by a script, this shortens the waits of the script host that imports it, and of its runners.
from remote_service.hosting import course, runner

course.POLL_INTERVAL = 0.05
course.POLL_PATIENCE = 1.0
course.INTERRUPT_PATIENCE = 1.0
runner.TERM_PATIENCE = 0.3
"""

GOOD = """
import os, socket
from pathlib import Path
import hurry
from remote_service import RemoteServiceScript

CALLS = Path(__file__).with_name("calls")

def note(text):
    descriptor = os.open(CALLS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(descriptor, f"{text}\\n".encode())
    os.close(descriptor)

class Good(RemoteServiceScript):
    def listen(self):
        path = self.scratch / "sock"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.set_unix_socket(path)

    def start(self, token, timestamp=None, options=None):
        note(f"start {self.index}")
        self.listen()
        return True

    def stop(self):
        note(f"stop {self.index}")
        return True
"""
"""A module for scripts: a service that listens in its own process and notes its calls in the file `calls`."""

REALIZE = """
def realize_service(name="", count=1, index=0, common_options=None):
    return {chosen}(name, count=count, index=index, common_options=common_options)
"""


T = TypeVar("T")


def eventually(condition: Callable[[], T]) -> T:
    """`waiting.eventually` with the patience of these tests."""
    return waiting.eventually(condition, within=PATIENCE)


async def eventually_async(condition: Callable[[], T | Awaitable[T]]) -> T:
    """`waiting.eventually_async` with the patience of these tests."""
    return await waiting.eventually_async(condition, within=PATIENCE)


class Play:
    """One session: its runner, everything that it said, and what it started."""

    def __init__(self, run_dir: Path, session: str, runner: int, log: Path) -> None:
        self.session = session
        self.runner = runner
        self._runner = processes.look(runner)
        self.statuses: list[Status] = []
        self._run_dir = run_dir
        self._log = log
        self._link: RunnerLink | None = None
        self._following: asyncio.Task[None] | None = None
        self._seen: set[processes.Process] = set()
        self._changed = asyncio.Event()
        self._epoch = 0

    @property
    def socket(self) -> Path:
        return socket_path(self._run_dir, self.session)

    @property
    def status(self) -> Status:
        return self.statuses[-1]

    @property
    def log(self) -> str:
        return self._log.read_text()

    async def connect(self) -> None:
        """As the next supervisor does; the runner says its status at once."""
        self.statuses.clear()
        self._epoch += 1
        self._link = await RunnerLink.connect(self.session, self.socket, self._epoch)
        self._following = spawn(self._link.follow(self._heard), name=f"follow {self.session}")
        await self.until(lambda status: True)

    async def hang_up(self) -> None:
        """As a supervisor that dies."""
        if self._link is not None and self._following is not None:
            self._following.cancel()
            await asyncio.wait({self._following})
            await self._link.close()
            self._link = None

    def _heard(self, status: Status) -> None:
        self.statuses.append(status)
        self._seen |= set(processes.descendants(self.runner))
        self._changed.set()

    async def order(self, order: str, **arguments: Any) -> None:
        assert self._link is not None
        await self._link.order(order, **arguments)

    async def start(self, *, timeout: float | None = 10.0, options: Mapping[str, Any] | None = None) -> None:
        """Orders the start and does not wait for it."""
        chosen = {"username": "alice", "size": "800x600", **(options or {})}
        await self.order("start", token=TOKEN, timestamp=1234.5, options=chosen, timeout=timeout)

    async def ready(self, **arguments: Any) -> Status:
        await self.start(**arguments)
        return await self.reach(Phase.READY)

    async def stop(self, *, timeout: float = 5.0, within: float = PATIENCE) -> Status:
        """Orders the stop and waits until nothing is left."""
        self._seen |= set(processes.descendants(self.runner))
        await self.order("stop", timeout=timeout)
        return await self.reach(Phase.OVER, within=within)

    async def fails(self, **arguments: Any) -> Status:
        """Orders a start that must fail, and waits until the session is over."""
        await self.start(**arguments)
        return await self.reach(Phase.OVER)

    async def reach(self, phase: Phase, within: float = PATIENCE) -> Status:
        """Waits for a phase; one that can only come later is an error at once."""
        order = list(Phase)
        found = await self.until(lambda status: order.index(status.phase) >= order.index(phase), within)
        assert found.phase is phase, (found, self.log)
        return found

    async def until(self, condition: Callable[[Status], bool], within: float = PATIENCE) -> Status:
        """The first status for which the condition is true."""
        try:
            async with asyncio.timeout(within):
                while not (found := [status for status in self.statuses if condition(status)]):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"not within {within:g} s; said {self.statuses}; log:\n{self.log}") from None
        return found[0]

    def left(self) -> list[str]:
        """What is left of the session but its runner: processes by marker and descent, and directories."""
        found = set(processes.marked(self.session))
        if self._runner is not None and still_alive(self._runner):
            found |= set(processes.descendants(self.runner))
        found |= {process for process in self._seen if still_alive(process)}
        # One that is just ending has given its command line back already.
        commands = {process.pid: command(process.pid) for process in found if process.pid != self.runner}
        names = [f"process {pid}: {line}" for pid, line in commands.items() if line]
        return names + [str(path) for path in scratch_left_by(self.session)]

    async def dismiss(self) -> None:
        """Lets the runner of a session that is over go; nothing at all may be left then."""
        await self.order("dismiss")
        assert self._following is not None
        await asyncio.wait({self._following}, timeout=5)
        await self.hang_up()
        eventually(lambda: not alive(self.runner))
        assert self.left() == []

    async def clean(self) -> None:
        """After the test, however it went."""
        await self.hang_up()
        for process in (self._runner, *self._seen):
            if process is not None and still_alive(process):
                os.kill(process.pid, signal.SIGKILL)
                eventually(partial(gone, process))
        end_marked(self.session)


class Stage:
    """Where scripts are written, loaded and played."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.scripts = root / "scripts"
        self.account: str | None = None
        self.extra_environment: dict[str, str] = {}
        self.plays: list[Play] = []
        self._run = root / "run"
        self._hosts: list[ScriptHost] = []
        for folder in (self.scripts, self._run):
            folder.mkdir(mode=0o755)
        self.write("hurry.py", HURRY)
        self.write("good.py", GOOD)

    def write(self, name: str, text: str, mode: int = 0o644) -> Path:
        """A file beside the scripts."""
        path = self.scripts / name
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        path.chmod(mode)
        return path

    def script(self, text: str, name: str = "script.py", *, chosen: str = "Service") -> Path:
        """A script that defines the class `Service`; `chosen` is the expression for the class to realize."""
        header = "from good import *\nimport os, signal, subprocess, sys, time\n"
        return self.write(name, header + textwrap.dedent(text) + REALIZE.format(chosen=chosen))

    def environment(self) -> dict[str, str]:
        """As the catalogue makes it; coverage's variable is on the list when coverage runs."""
        extra = [*os.environ.get("REMOTE_SERVICE_SCRIPT_ENV", "").replace(",", " ").split(), *self.extra_environment]
        return script_environment({**os.environ, **self.extra_environment}, self.account, extra)

    def order(self, script: Path, *, count: int = 2, options: Mapping[str, Any] | None = None) -> HostOrder:
        """What the catalogue would order."""
        return HostOrder(
            name="A type",
            script=script,
            count=count,
            options=options or {},
            account=self.account,
            environment=self.environment(),
            log_path=self.type_log,
        )

    async def load(
        self,
        script: Path,
        *,
        count: int = 2,
        options: Mapping[str, Any] | None = None,
        timeout: float = LOAD_TIMEOUT,
    ) -> tuple[ScriptHost | None, Loaded]:
        """Starts a script host."""
        host, loaded = await ScriptHost.start(self.order(script, count=count, options=options), timeout=timeout)
        if host is not None:
            self._hosts.append(host)
        return host, loaded

    @property
    def type_log(self) -> Path:
        return self.root / "type.log"

    async def host(self, script: Path, **arguments: Any) -> ScriptHost:
        """A host whose script is sound."""
        host, loaded = await self.load(script, **arguments)
        assert host is not None and loaded.report.fault is None, (loaded.report, self.type_log.read_text())
        return host

    async def play(self, host: ScriptHost, index: int = 0, session: str | None = None) -> Play:
        """A session that is not started yet."""
        name = session or str(uuid.uuid4())
        log = self.root / f"{name}.log"
        runner = await host.fork_runner(name, index, socket_path(self._run, name), log)
        play = Play(self._run, name, runner, log)
        self.plays.append(play)
        await play.connect()
        return play

    async def only(self, text: str, **arguments: Any) -> Play:
        """A session of a script that is given by its class `Service`."""
        return await self.play(await self.host(self.script(text), **arguments))

    def calls(self) -> list[str]:
        """The calls that scripts noted, in order."""
        path = self.scripts / "calls"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def run_dir(self) -> Path:
        return self._run

    async def close(self) -> None:
        """Ends everything."""
        for play in self.plays:
            await play.clean()
        for host in self._hosts:
            await host.close()


def command(pid: int) -> str:
    """A process' command line; empty when it has gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    found = processes.look(pid)
    return found is not None and not found.dead


def still_alive(process: processes.Process) -> bool:
    """Whether exactly this process runs: pids go round."""
    now = processes.look(process.pid)
    return now is not None and now.start_time == process.start_time and not now.dead


def gone(process: processes.Process) -> bool:
    """The opposite of `still_alive`."""
    return not still_alive(process)


async def pid_in(path: Path) -> int:
    """The pid that a script wrote into a file, when it has."""
    return int(await eventually_async(lambda: path.exists() and path.read_text().strip()))
