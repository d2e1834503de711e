"""What is left of a session whose runner is gone: programs that carry its marker, directories, a socket.

They are ended, so that no slot is blocked and nothing leaks.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remote_service.endpoints import Endpoint
from remote_service.hosting import processes
from remote_service.hosting.client import RunnerLink
from remote_service.hosting.programs import Program
from remote_service.hosting.scratch import remove_tree, scratch_left_by
from remote_service.hosting.status import Phase, Status
from remote_service.hosting.titles import MODULE
from remote_service.tasks import spawn

log = logging.getLogger(__name__)

STOP_TIMEOUT = 10.0
"""Seconds that a script's `stop` may take."""
RUNNER_PATIENCE = 20.0
"""Seconds for a runner to stop its script, end what is left and say so."""
TERM_PATIENCE = 2.0


@dataclass(frozen=True, slots=True)
class Successor:
    """What a fresh runner needs to take a session over: what its script had saved, and where it was."""

    state: dict[str, Any] | None
    endpoint: Endpoint | None
    programs: tuple[Program, ...] = ()

    def as_order(self) -> dict[str, Any]:
        """The arguments of the order to it."""
        return {
            "state": self.state,
            "endpoint": self.endpoint.as_dict() if self.endpoint else None,
            "programs": [program.as_list() for program in self.programs],
        }


def socket_path(run_dir: Path, session: str) -> Path:
    """Where a session's runner listens."""
    return run_dir / f"{session.replace('-', '')}.sock"


def sessions_with_sockets(run_dir: Path) -> list[str]:
    """The sessions that have a runner's socket, as UUID text."""
    found = []
    for path in run_dir.glob("*.sock"):
        name = path.stem
        if len(name) == 32:
            found.append("-".join((name[:8], name[8:12], name[12:16], name[16:20], name[20:])))
    return found


async def end_without_runner(run_dir: Path, session: str) -> list[int]:
    """Ends what carries the session's marker, and removes its files; returns the pids that would not go."""
    survivors = await asyncio.get_running_loop().run_in_executor(None, end_marked, session)
    if survivors:
        log.warning("session %s: processes %s could not be ended", session, survivors)
    remove_socket(run_dir, session)
    return survivors


def remove_socket(run_dir: Path, session: str) -> None:
    """Removes what a session's runner listened at. One that cannot be removed hurts nobody: its name is used once."""
    try:
        socket_path(run_dir, session).unlink(missing_ok=True)
    except OSError as error:
        log.warning("session %s: its runner's socket could not be removed: %s", session, error)


def runner_of(session: str) -> int | None:
    """The process id of a session's runner that lives on this machine, whether it has a socket or not; None: none does.

    Of all that carry the session's marker it is what leads a process session (setsid(2)) and is no program.
    """
    ours = (process.pid for process in processes.marked(session) if processes.runs(process.pid, MODULE))
    return next((pid for pid in ours if processes.leads(pid)), None)


def kill_runner(pid: int, session: str) -> None:
    """Kills a runner that hangs, if the process with this pid still is the session's."""
    with suppress(OSError):
        held = os.pidfd_open(pid)
        try:
            if processes.carries_marker(pid, session):
                signal.pidfd_send_signal(held, signal.SIGKILL)
        finally:
            os.close(held)


def end_marked(session: str) -> list[int]:
    """Ends the processes with the session's marker and removes its scratch directory; returns who would not go."""
    survivors = processes.end_processes(
        lambda: processes.marked(session),
        patience=TERM_PATIENCE,
        still=lambda process: processes.belongs(process.pid, session),
    )
    for left in scratch_left_by(session):
        remove_tree(left)
    return survivors


async def ask_runner_to_end(
    run_dir: Path, session: str, epoch: int, successor: Successor | None = None
) -> Status | None:
    """Has the session's runner stop its script and end what is left; waits for it.

    Args:
        run_dir: where the runners' sockets are.
        session: which one.
        epoch: of who asks.
        successor: given when the runner was forked just now to take over from a killed one.

    Returns:
        What the runner said last, or None when there is none.
    """
    try:
        link = await RunnerLink.connect(session, socket_path(run_dir, session), epoch)
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except OSError as error:
        log.warning("session %s: its runner hung up: %s", session, error)
        return None
    over = asyncio.Event()

    def look(status: Status) -> None:
        if status.phase is Phase.OVER:
            over.set()

    following = spawn(link.follow(look), name=f"end of {session}")
    ended = spawn(over.wait(), name=f"end of {session} awaited")
    try:
        if successor is not None:
            await link.order("recover", **successor.as_order())
        await link.order("stop", timeout=STOP_TIMEOUT)
        await asyncio.wait({following, ended}, timeout=RUNNER_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if over.is_set():
            await link.order("dismiss")
        elif following.done():
            log.warning("session %s: its runner went away before it had ended it", session)
        else:
            log.warning("session %s: its runner did not end it within %g s", session, RUNNER_PATIENCE)
    except OSError as error:
        log.warning("session %s: its runner hung up: %s", session, error)
    finally:
        following.cancel()
        ended.cancel()
        await link.close()
    return link.status
