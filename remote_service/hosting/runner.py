"""A session's runner: our code only, between the supervisor and the worker in which the script's calls run.

It outlives both: the supervisor finds it again at its Unix socket, and a worker that dies gets a successor. It keeps
the session's log, holds everything the session starts as its descendants, and ends what is left. What happens when
is decided in `remote_service.hosting.course`; here are the sockets, the clock and the processes.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from remote_service.answers import Answer
from remote_service.config.words import harmless
from remote_service.endpoints import Endpoint
from remote_service.hosting import processes
from remote_service.hosting.audience import Audience
from remote_service.hosting.course import INTERRUPT_PATIENCE, Course
from remote_service.hosting.listening import listens
from remote_service.hosting.output import Pipe
from remote_service.hosting.programs import Program
from remote_service.hosting.scratch import remove_tree, scratch_left_by
from remote_service.hosting.script_context import ScriptContext
from remote_service.hosting.session_log import SessionLog
from remote_service.hosting.status import Phase
from remote_service.hosting.steps import Command, Outcome, Step
from remote_service.hosting.titles import set_title
from remote_service.hosting.wire import Channel, Message
from remote_service.hosting.worker import Worker, script_logger
from remote_service.hosting.worker_link import WorkerLink
from remote_service.script import RemoteServiceScript

LISTEN_CHECKS = (0.005, 0.25)
"""Seconds between two looks for the listening socket: the first gap and the longest, doubled in between."""
TERM_PATIENCE = 1.0
"""Seconds between SIGTERM and SIGKILL for what a session left behind."""
ALONE_PATIENCE = 7 * 24 * 3600.0
"""Seconds that a finished runner waits for a supervisor to hear of it: who would end the session again otherwise."""
WORKER_LOST = 70
"""Exit status of a worker that cannot go on, for instance because the script closed all descriptors."""
MOST_TEXT = 2000
"""Characters of one sentence from the script that are shown to its user."""
_CHUNK = 65536
_MOST_CHUNKS = 64


@dataclass(frozen=True, slots=True)
class RunnerTask:
    """What a script host hands to the runner it forks: descriptors are open, the service is pristine."""

    session: str
    service: RemoteServiceScript
    listener: int
    log: int


class Runner:
    """The loop of one session."""

    def __init__(self, task: RunnerTask) -> None:
        self._task = task
        self._course = Course(task.session, os.getpid())
        self._log = SessionLog(task.log)
        self._selector = selectors.DefaultSelector()
        self._audience = Audience(
            self._selector,
            socket.socket(fileno=task.listener),
            status=lambda: self._course.status,
            obey=self._obey,
            complain=self._log.line,
        )
        self._worker = WorkerLink(self._selector, self._log, self._become_worker)
        self._output = Pipe.fresh()
        self._scratch: Path | None = None
        self._next_look = 0.0
        self._look_gap = LISTEN_CHECKS[0]
        self._over_since: float | None = None
        self._dismissed = False

    def run(self) -> None:
        """Serves until the session is over and a supervisor has heard of it."""
        wake_read, wake_write = socket.socketpair()
        wake_read.setblocking(False)
        wake_write.setblocking(False)
        signal.set_wakeup_fd(wake_write.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # Whoever stops the service manager's whole group must not lose the one process that can clean up.
            signal.signal(ignored, signal.SIG_IGN)
        self._selector.register(self._output.read, selectors.EVENT_READ, self._read_output)
        self._selector.register(wake_read, selectors.EVENT_READ, lambda: wake_read.recv(4096))
        self._worker.fork()
        while not self._finished():
            shown = self._course.status
            for key, _events in self._selector.select(self._patience()):
                key.data()
            self._hear_worker()
            self._notice_death()
            self._carry_out(self._course.tick(time.monotonic()))
            self._look_for_listener()
            self._course.logged(self._log.trouble)
            status = self._course.status
            if status != shown:
                self._audience.tell()
            if status.poll != shown.poll and status.poll.answer is Answer.UNKNOWN:
                self._log.line(f"whether it lives is not known: {self._log.masked(status.poll.reason)}")
        self._log.flush()

    # ---- time -------------------------------------------------------------------------------------------

    def _finished(self) -> bool:
        if self._course.status.phase is not Phase.OVER:
            return False
        now = time.monotonic()
        self._over_since = self._over_since or now
        return self._dismissed or now > self._over_since + ALONE_PATIENCE

    def _patience(self) -> float:
        now = time.monotonic()
        patience = self._course.next_deadline(now)
        if self._course.status.phase is Phase.WAITING:
            patience = min(patience, max(0.0, self._next_look - now))
        return patience

    def _look_for_listener(self) -> None:
        status = self._course.status
        now = time.monotonic()
        if status.phase is not Phase.WAITING or now < self._next_look or status.endpoint is None:
            return
        if listens(status.endpoint):
            self._course.listens(now)
        self._next_look = time.monotonic() + self._look_gap
        self._look_gap = min(self._look_gap * 2, LISTEN_CHECKS[1])

    # ---- orders -----------------------------------------------------------------------------------------

    def _obey(self, message: Message) -> None:
        now = time.monotonic()
        order = message.get("order")
        if order == "start":
            self._log.keep_secret(message["token"])
            arguments = {key: message[key] for key in ("token", "timestamp", "options")}
            self._carry_out(self._course.start(now, arguments, message["timeout"]))
        elif order == "recover":
            endpoint = Endpoint.from_dict(message["endpoint"]) if message["endpoint"] else None
            programs = [Program.from_list(each) for each in message.get("programs", ())]
            self._scratch = next(iter(scratch_left_by(self._task.session)), None)
            self._take_output_over(programs)
            self._carry_out(self._course.recover(message["state"], endpoint, programs))
        elif order == "stop":
            self._carry_out(self._course.stop(now, message["timeout"], message.get("patience", INTERRUPT_PATIENCE)))
        elif order == "dismiss":
            self._dismissed = True

    # ---- the worker -------------------------------------------------------------------------------------

    def _become_worker(self, sock: socket.socket) -> NoReturn:
        """Turns this fork into the worker; never returns, whatever happens."""
        try:
            self._selector.close()
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.setpgid(0, 0)
            set_title("script", self._task.session)
            os.dup2(self._output.write, 1)
            os.dup2(self._output.write, 2)
            kept = sock.fileno()
            os.closerange(3, kept)
            os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))
            channel = Channel(sock)
            context = ScriptContext(self._task.session, channel, script_logger(), self._scratch)
            context.attach(self._task.service)
            context.restore(self._course.status.endpoint, self._course.status.programs)
            Worker(self._task.service, channel, context).run(self._course.status.state)
        except BaseException:  # noqa: BLE001 (the last frame of a fork: shown in the session's log, then the fork ends)
            traceback.print_exc()
        finally:
            os._exit(WORKER_LOST)

    def _hear_worker(self) -> None:
        for message in self._worker.heard():
            self._hear(message)

    def _hear(self, message: Message) -> None:
        if "scratch" in message:
            self._scratch = Path(message["scratch"])
        elif "spawned" in message:
            self._course.spawned(Program.from_list(message["spawned"]))
        elif "state" in message:
            self._course.saved(message["state"])
        elif "endpoint" in message:
            self._course.published(Endpoint.from_dict(message["endpoint"]), message["password"])
        elif "done" in message:
            done = message["done"]
            value = [self._shown(text) for text in done["value"]]
            outcome = Outcome(done["kind"], self._shown(done["detail"]), value)
            self._carry_out(self._course.call_ended(time.monotonic(), outcome))

    def _shown(self, text: str) -> str:
        """Fit for the user's page and the server's log: one line, no secrets, no control characters, not endless."""
        return " ".join(harmless(self._log.masked(text)).split())[:MOST_TEXT]

    def _notice_death(self) -> None:
        how = self._worker.death(processes.reap())
        if how is not None:
            self._hear_worker()
            self._read_output()
            self._log.line(f"the script's process has ended: {how}")
            self._carry_out(self._course.worker_died(time.monotonic(), how))

    # ---- commands ---------------------------------------------------------------------------------------

    def _carry_out(self, steps: list[Step]) -> None:
        for step in steps:
            if step.command is Command.CALL:
                self._worker.call(step.call, step.arguments)
            elif step.command is Command.INTERRUPT:
                self._worker.interrupt()
            elif step.command is Command.REPLACE:
                self._worker.end()
                self._hear_worker()
                self._worker.fork()
            else:
                self._audience.tell()
                self._clean()

    def _clean(self) -> None:
        """Ends everything of this session and removes its scratch directory."""
        self._worker.end()
        self._hear_worker()
        survivors = processes.end_processes(self._left, patience=TERM_PATIENCE)
        self._read_output()
        if survivors:
            self._log.line(f"these processes could not be ended: {', '.join(map(str, survivors))}")
        # A fork of the script may have made one that we never heard of.
        for scratch in {*scratch_left_by(self._task.session), *([self._scratch] if self._scratch else [])}:
            if not remove_tree(scratch):
                self._log.line(f"the scratch directory {scratch} could not be removed")
        self._course.cleaned(tuple(survivors))

    def _left(self) -> set[processes.Process]:
        processes.reap()
        return {*processes.descendants(os.getpid()), *processes.marked(self._task.session)}

    def _take_output_over(self, programs: list[Program]) -> None:
        """Reads from now on what the programs of a killed runner print."""
        ours = {os.getpid(), *(process.pid for process in processes.descendants(os.getpid()))}
        others = [process.pid for process in processes.marked(self._task.session) if process.pid not in ours]
        if (found := Pipe.found((program.pid for program in programs if program.lives), others)) is None:
            return
        self._selector.unregister(self._output.read)
        self._read_output()
        self._output.close()
        self._output = found
        self._selector.register(found.read, selectors.EVENT_READ, self._read_output)

    def _read_output(self) -> None:
        """Takes what the session printed; a bounded helping, so that a flood cannot keep the runner from its work."""
        for _ in range(_MOST_CHUNKS):
            try:
                data = os.read(self._output.read, _CHUNK)
            except BlockingIOError:
                return
            # A secret is told before it is printed, so what was told is read after what was printed.
            self._worker.take_in()
            self._log.write(data)
