"""A site whose one script does what a test tells it, and supervisors for it that run in the test's own event loop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connections

from remote_service import lifecycle
from remote_service.actors import Actor
from remote_service.conf import GatewaySettings
from remote_service.hosting import processes
from remote_service.leftovers import end_marked, socket_path
from remote_service.models import Session, Site
from remote_service.reservations import reserve_for_rest
from remote_service.states import EndReason, State
from remote_service.supervisor import Supervisor
from remote_service.tasks import spawn
from tests.waiting import eventually, eventually_async

REST = Actor("", "192.0.2.1", "rest")

SCRIPT = '''
"""Does what the options say; notes its calls in the file `calls` beside it."""
import os, socket, time
from pathlib import Path
from remote_service import RemoteServiceScript
from remote_service.answers import Poll
from remote_service.hosting import course, runner

# This process and its forks serve a test, which does not wait.
course.POLL_INTERVAL = 0.05
course.INTERRUPT_PATIENCE = 0.3
runner.TERM_PATIENCE = 0.3
HERE = Path(__file__).parent


class Probe(RemoteServiceScript):
    def start(self, token, timestamp=None, options=None):
        self.plan = {**self.common_options, **options}
        self.note("start")
        does = self.plan.get("start", "listen")
        if does == "raise":
            raise RuntimeError("no licence")
        if does == "refuse":
            return False
        if does == "hang":
            time.sleep(60)
        if does == "wait":
            self.set_unix_socket(self.scratch / "never")
            return True
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.scratch / "probe.sock"))
        self.listener.listen()
        self.set_unix_socket(self.scratch / "probe.sock", password=self.plan.get("password"))
        return True

    def poll(self):
        if self.plan.get("start") == "wait" and (HERE / "die").exists():
            os._exit(3)
        if (HERE / "ended").exists():
            return Poll.ended("Its window was closed.")
        return Poll.alive()

    def progress(self):
        return self.plan.get("progress", "")

    def stop(self):
        self.note("stop")
        while self.plan.get("stop") == "hang":
            try:
                time.sleep(60)
            except BaseException:
                pass  # it will not be interrupted either
        time.sleep(float(self.plan.get("stop takes", 0)))
        return True

    def note(self, call):
        mark = self.plan.get("mark", "") if hasattr(self, "plan") else "without its state"
        descriptor = os.open(HERE / "calls", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, f"{call} {self.index} {mark}".strip().encode() + b"\\n")
        os.close(descriptor)


def realize_service(name="", count=1, index=0, common_options=None):
    return Probe(name, count=count, index=index, common_options=common_options)
'''

SLOW_IMPORT = """
import time
from pathlib import Path

Path(__file__).with_name("importing").touch()
while not Path(__file__).with_name("go").exists():
    time.sleep(0.01)
from probe import realize_service
"""


class ProbeSite:
    """The files of a site, its sessions, and the supervisors that a test starts."""

    def __init__(self, settings: GatewaySettings, directory: Path) -> None:
        self.settings = settings
        self.directory = directory
        self.running: dict[Supervisor, asyncio.Task[None]] = {}
        self._sessions: list[str] = []
        (directory / "probe.py").write_text(SCRIPT)
        self.write(Probe={})

    # ---- files ------------------------------------------------------------------------------------------

    def write(self, **types: Mapping[str, Any]) -> None:
        """Writes the sessions file: name to what differs from two slots of the probe."""
        base = {"script": "probe.py", "count": 2, "options": {}}
        entries = {name: {**base, **keys} for name, keys in types.items()}
        self.settings.sessions_file.write_text(json.dumps(entries, indent=1))

    @property
    def calls(self) -> list[str]:
        """The script's calls, in their order: "start 0", "stop 0"."""
        file = self.directory / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def touch(self, name: str) -> None:
        """Gives the scripts a sign."""
        (self.directory / name).touch()

    # ---- supervisors ------------------------------------------------------------------------------------

    async def start(self) -> Supervisor:
        """Starts a supervisor and waits until it serves."""
        supervisor = self.begin()
        ready = spawn(supervisor.ready.wait(), name="ready")
        await asyncio.wait({ready, self.running[supervisor]}, return_when=asyncio.FIRST_COMPLETED, timeout=10.0)
        assert ready.done(), "the supervisor does not serve"
        return supervisor

    def begin(self) -> Supervisor:
        """Starts a supervisor."""
        supervisor = Supervisor(self.settings)
        self.running[supervisor] = spawn(supervisor.run(), name="supervisor")
        return supervisor

    async def stop(self, supervisor: Supervisor) -> None:
        """Stops a supervisor, and waits until it has ended its sessions."""
        supervisor.stop()
        await self.running.pop(supervisor)

    async def kill(self, supervisor: Supervisor) -> None:
        """Does with a supervisor what SIGKILL does: it ends nothing, its connections and its script hosts close."""

        async def nothing() -> None:
            return

        supervisor._shut_down = nothing  # type: ignore[method-assign]  # a killed process does not shut down
        task = self.running.pop(supervisor)
        task.cancel()
        await asyncio.wait({task})
        for charge in supervisor._charges.values():
            if charge.link is not None:
                await charge.link.close()
        await supervisor._operations.catalogue.close()

    # ---- sessions ---------------------------------------------------------------------------------------

    async def reserve(self, type_name: str = "Probe", **options: str) -> Session:
        """Reserves a slot; nothing starts yet."""
        session = (await sync_to_async(reserve_for_rest)(type_name, options, REST)).session
        self._sessions.append(str(session.pk))
        return session

    async def launch(self, type_name: str = "Probe", **options: str) -> Session:
        """Reserves a slot and asks for the start."""
        session = await self.reserve(type_name, **options)
        await sync_to_async(lifecycle.ask_to_start)(session.pk, REST)
        return session

    async def run(self, type_name: str = "Probe", **options: str) -> Session:
        """Launches a session and waits until it runs."""
        return await self.until(await self.launch(type_name, **options), State.RUNNING)

    async def ask_to_stop(self, session: Session, reason: EndReason = EndReason.USER, detail: str = "") -> None:
        """Asks for the end."""
        await sync_to_async(lifecycle.ask_to_stop)(session.pk, reason, REST, detail)

    async def until(self, session: Session, *states: State, within: float = 8.0) -> Session:
        """Waits for one of the states, or (without any) for the end; the session as it is then."""

        async def found() -> Session | None:
            now = await Session.objects.aget(pk=session.pk)
            return now if (now.state in states if states else now.over) else None

        return await eventually_async(found, within)

    async def history(self, session: Session) -> list[tuple[str, str]]:
        """What happened to a session, and why."""
        events = session.events.values_list("what", "why")
        return [event async for event in events]

    def runner_of(self, session: Session) -> int:
        """The process id of a session's runner: of all that carry its marker, the leader of its process session."""
        return eventually(lambda: next((p.pid for p in self.marked(session) if os.getsid(p.pid) == p.pid), 0))

    def marked(self, session: Session) -> list[processes.Process]:
        """The living processes of a session."""
        return processes.marked(str(session.pk))

    async def kill_runner(self, session: Session) -> None:
        """Kills a session's runner as nothing can prevent."""
        os.kill(self.runner_of(session), signal.SIGKILL)

    async def freeze_runner(self, session: Session) -> None:
        """Has a session's runner do nothing any more, without its end."""
        os.kill(self.runner_of(session), signal.SIGSTOP)

    def left(self, session: Session) -> list[object]:
        """What of a session should not be there once it is over: processes and its socket."""
        socket = socket_path(self.settings.run_dir, str(session.pk))
        return [*self.marked(session), *([socket] if socket.exists() else [])]

    # ---- the site's row ---------------------------------------------------------------------------------

    async def ask_to_reload(self) -> int:
        """Asks for a reload by the row, as `manage.py reload_sessions`; returns the generation."""
        site = await sync_to_async(Site.load)()
        generation = site.reload_wanted + 1
        await Site.objects.filter(pk=1).aupdate(reload_wanted=generation)
        return generation

    async def reloaded(self, generation: int) -> Site:
        """Waits for a reload to be done; the site's row then."""

        async def done() -> Site | None:
            site = await Site.objects.aget(pk=1)
            return site if site.reload_done == generation else None

        return await eventually_async(done)

    async def close(self) -> None:
        """Ends everything that the test left, and says goodbye to the database."""
        for supervisor in list(self.running):
            with suppress(Exception):
                await self.stop(supervisor)
        for key in self._sessions:
            await asyncio.get_running_loop().run_in_executor(None, end_marked, key)
        await sync_to_async(connections.close_all)()


@asynccontextmanager
async def probe_site(settings: Any, tmp_path: Path) -> AsyncIterator[ProbeSite]:
    """A site below `tmp_path`, in force for the test."""
    tmp_path.chmod(0o755)
    directory = tmp_path / "site"
    directory.mkdir(mode=0o755)
    sessions_file = directory / "sessions.json"
    settings.REMOTE_SERVICE = replace(settings.REMOTE_SERVICE, sessions_file=sessions_file, script_dirs=())
    site = ProbeSite(settings.REMOTE_SERVICE, directory)
    try:
        yield site
    finally:
        await site.close()
