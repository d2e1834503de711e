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
from remote_service.catalogue import Catalogue
from remote_service.conf import GatewaySettings
from remote_service.hosting import processes
from remote_service.hosting.machine import boot, place_of
from remote_service.lease import Fence, look, take
from remote_service.leftovers import end_marked, runner_of, socket_path
from remote_service.models import Lease, Session, Site
from remote_service.observations import Look
from remote_service.reservations import reserve_for_rest
from remote_service.states import EndReason, State
from remote_service.supervision.term import Term
from remote_service.supervisor import Supervisor
from remote_service.tasks import spawn
from tests.waiting import eventually, eventually_async

ENDED = f"{os.getpid()} 1 {boot()} {os.readlink('/proc/self/ns/pid')}"
"""A process that has ended: another one has its pid now."""
REST = Actor("", "192.0.2.1", "rest")
STAFF = Actor("dora", "192.0.2.7", "dashboard")

SCRIPT = '''
"""Does what the options say; notes its calls in the file `calls` beside it."""
import os, socket, sys, time
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
    plan = {}

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
        while does == "await" and not (HERE / "go").exists():
            time.sleep(0.01)
        if does == "wait":
            self.set_unix_socket(self.scratch / "never")
            return True
        if does == "spawn":
            socket_path = self.scratch / "probe.sock"
            self.spawn([sys.executable, str(HERE / "listening.py"), str(socket_path)])
            self.set_unix_socket(socket_path, password=self.plan.get("password"))
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
        return super().poll()

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
        mark = self.plan.get("mark", "") if "plan" in vars(self) else "without its state"
        descriptor = os.open(HERE / "calls", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, f"{call} {self.index} {mark}".strip().encode() + b"\\n")
        os.close(descriptor)


def realize_service(name="", count=1, index=0, common_options=None):
    return Probe(name, count=count, index=index, common_options=common_options)
'''

PROGRAM = """
import socket, sys, time

listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
time.sleep(600)
"""
"""What the script starts as a program of its own, which outlives its runner."""

SLOW_IMPORT = """
import time
from pathlib import Path

Path(__file__).with_name("importing").touch()
while not Path(__file__).with_name("go").exists():
    time.sleep(0.01)
from probe import realize_service
"""


class Probed(Supervisor):
    """A supervisor into which a test looks, and which it can pause and kill."""

    def __init__(self, settings: GatewaySettings) -> None:
        super().__init__(settings)
        self.going_on = asyncio.Event()
        self.going_on.set()
        self.fence: Fence
        """What it holds the lease by, or held it last."""
        self.term: Term

    async def _supervise(self, fence: Fence) -> None:
        self.fence = fence
        await super()._supervise(fence)

    async def _renew(self, fence: Fence, term: Term) -> None:
        self.term = term
        tick, renew = term.tick, fence.renew

        async def tick_unless_paused() -> Look | None:
            await self.going_on.wait()
            return await tick()

        def renew_unless_paused() -> None:
            if self.going_on.is_set():
                renew()

        term.tick, fence.renew = tick_unless_paused, renew_unless_paused  # type: ignore[method-assign]
        await super()._renew(fence, term)

    @property
    def catalogue(self) -> Catalogue:
        """The types in force."""
        return self._catalogue

    @property
    def ready_hosts(self) -> list[int]:
        """The script hosts that it has ready while it stands by, by process id."""
        ready = self._spare._loaded
        return [] if ready is None else [entry.host.pid for entry in ready.catalogue.entries.values()]

    def die(self) -> None:
        """Whatever it does from here on gets nowhere."""
        if hasattr(self, "fence"):
            self.fence.leave()

        async def leave(_fence: Fence, term: Term) -> None:
            await term.hang_up()
            await self._catalogue.close()

        self._leave = leave  # type: ignore[method-assign]  # a killed process does not leave


class ProbeSite:
    """The files of a site, its sessions, and the supervisors that a test starts."""

    def __init__(self, settings: GatewaySettings, directory: Path) -> None:
        self.settings = settings
        self.directory = directory
        self.running: dict[Probed, asyncio.Task[None]] = {}
        self._sessions: list[str] = []
        (directory / "probe.py").write_text(SCRIPT)
        (directory / "listening.py").write_text(PROGRAM)
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

    async def start(self) -> Probed:
        """Starts a supervisor and waits until it serves, or stands by."""
        supervisor = self.begin()
        ready = spawn(supervisor.ready.wait(), name="ready")
        await asyncio.wait({ready, self.running[supervisor]}, return_when=asyncio.FIRST_COMPLETED, timeout=10.0)
        assert ready.done(), "the supervisor does not serve"
        return supervisor

    def begin(self) -> Probed:
        """Starts a supervisor."""
        supervisor = Probed(self.settings)
        self.running[supervisor] = spawn(supervisor.run(), name="supervisor")
        return supervisor

    async def stop(self, supervisor: Probed) -> None:
        """Stops a supervisor and waits for that; its sessions go on."""
        supervisor.stop()
        await self.running.pop(supervisor)

    async def end(self, supervisor: Probed) -> None:
        """Stops a supervisor, and waits until it has ended its sessions."""
        supervisor.end()
        await self.running.pop(supervisor)

    async def term(self) -> Term:
        """A supervisor's time with the lease, as it is before the first look; nobody renews it."""
        fence = await sync_to_async(lambda: take(look(), place_of(self.settings.run_dir)))()
        assert fence is not None
        return Term(self.settings, fence, lambda: None)

    async def kill(self, supervisor: Probed) -> None:
        """Does with a supervisor what SIGKILL does.

        It ends nothing and gives nothing back, what it was doing stops where it is, its connections and its script
        hosts close; and whoever looks finds that its process has ended.
        """
        task = self.running.pop(supervisor)
        supervisor.die()
        task.cancel()
        await asyncio.wait({task})
        await Lease.objects.filter(epoch=supervisor.fence.epoch).aupdate(process=ENDED)

    def pause(self, supervisor: Probed) -> None:
        """Does with a supervisor what SIGSTOP does with one that has nothing under way: it looks and renews no more."""
        supervisor.going_on.clear()

    def wake(self, supervisor: Probed) -> None:
        """Has it go on, as SIGCONT does."""
        supervisor.going_on.set()

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

    async def declare_ended(self, session: Session, detail: str) -> None:
        """Staff says that a session has ended."""
        ask = sync_to_async(lifecycle.ask_to_stop)
        assert await ask(session.pk, EndReason.STAFF, STAFF, detail, declared=True)

    async def until(self, session: Session, *states: State, within: float = 8.0) -> Session:
        """Waits for one of the states, or (without any) for the end; the session as it is then."""

        async def found() -> Session | None:
            now = await Session.objects.aget(pk=session.pk)
            return now if (now.state in states if states else now.over) else None

        return await eventually_async(found, within)

    async def adopted(self, supervisor: Probed, session: Session) -> Session:
        """Waits until a supervisor hears a session's runner; the session as it is then."""

        def heard() -> bool:
            charge = supervisor.term.charges.get(str(session.pk))
            return charge is not None and charge.status is not None and not charge.busy

        await eventually_async(lambda: hasattr(supervisor, "term") and heard(), within=8.0)
        return await Session.objects.aget(pk=session.pk)

    async def until_unknown(self, session: Session, why: str) -> Session:
        """Waits until nobody knows whether a session lives, for a reason that begins so."""

        async def found() -> Session | None:
            now = await Session.objects.aget(pk=session.pk)
            return now if now.unknown_since is not None and now.unknown_reason.startswith(why) else None

        return await eventually_async(found, within=8.0)

    async def until_known(self, session: Session) -> Session:
        """Waits until somebody knows again that a session lives."""

        async def found() -> Session | None:
            now = await Session.objects.aget(pk=session.pk)
            return now if now.unknown_since is None and not now.unknown_reason else None

        return await eventually_async(found, within=8.0)

    async def history(self, session: Session) -> list[tuple[str, str]]:
        """What happened to a session, and why."""
        events = session.events.values_list("what", "why")
        return [event async for event in events]

    def runner_of(self, session: Session) -> int:
        """The process id of a session's runner, once it is there."""
        return eventually(lambda: runner_of(str(session.pk)))

    def marked(self, session: Session) -> list[processes.Process]:
        """The living processes of a session."""
        return processes.marked(str(session.pk))

    async def kill_runner(self, session: Session) -> None:
        """Kills a session's runner as nothing can prevent."""
        os.kill(self.runner_of(session), signal.SIGKILL)

    async def freeze_runner(self, session: Session) -> int:
        """Has a session's runner do nothing any more, without its end; returns its process id."""
        runner = self.runner_of(session)
        os.kill(runner, signal.SIGSTOP)
        return runner

    def processes(self, session: Session) -> set[tuple[int, int]]:
        """The session's processes: what names each for good."""
        return {(process.pid, process.start_time) for process in self.marked(session)}

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
            self.wake(supervisor)
            with suppress(Exception):
                await self.end(supervisor)
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
