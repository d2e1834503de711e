"""The processes of the site, by what they do."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARKER = b"REMOTE_SERVICE_SESSION="
NO_SESSION = "00000000-0000-0000-0000-000000000000"
KINDS = {
    b"manage.py\0serve\0": "keeper",
    b"manage.py\0supervise\0": "standby",
    b"serve_part\0supervisor\0": "supervisor",
    b"serve_part\0pages\0": "pages",
    b"remote_service.relay_process\0": "relay",
    b"remote_service.hosting.script_host\0": "host",
}
"""What stands in a command line, and what such a process is."""
OURS = ("keeper", "standby", "supervisor", "pages", "relay", "host", "runner", "worker")


@dataclass(frozen=True, slots=True)
class Process:
    """One of them; `session` is empty where it belongs to none."""

    pid: int
    kind: str
    session: str = ""


def processes(root: Path) -> list[Process]:
    """All that live of the site below `root`: what it started, and what those started.

    Its path stands in the environment of all of them: in script hosts' and sessions' since `CRASH_TEST_SITE` is a
    variable that scripts may see.
    """
    found = (_look(int(name), str(root).encode()) for name in os.listdir("/proc") if name.isdigit())
    return [process for process in found if process is not None]


def end_all(root: Path) -> None:
    """Kills what is left when all has been judged, or the test was stopped."""
    while found := processes(root):
        for process in found:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        time.sleep(0.05)


def _look(pid: int, root: bytes) -> Process | None:
    with suppress(OSError):
        environ = Path(f"/proc/{pid}/environ").read_bytes()
        if root not in environ:
            return None
        if Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] in b"ZX":
            return None
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        session = _session(environ)
        kind = next((kind for part, kind in KINDS.items() if part in command), "program")
        if kind == "host" and session != NO_SESSION:
            # They are forks of the host: a runner leads a session of its own (setsid(2)), its worker does not.
            kind = "runner" if os.getsid(pid) == pid else "worker"
        return Process(pid, kind, "" if session == NO_SESSION else session)
    return None


def _session(environ: bytes) -> str:
    found = next((each for each in environ.split(b"\0") if each.startswith(MARKER)), b"")
    return found[len(MARKER) :].decode(errors="replace")
