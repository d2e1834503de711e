"""A site whose clock and whose names of hosts are the test's.

Its names are looked up by a library that is loaded before the system's (Debian's libnss-wrapper). Its clock is played
within Python (see `clock/sitecustomize.py`): with libfaketime each look at a clock costs so much that nothing is left
of the processor.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from tests.integration.conftest import raw
from tests.integration.faults.site import LINGER
from tests.integration.leftovers import command, marked
from tests.integration.live import LiveServer
from tests.integration.serving import EXAMPLES

HOST = "desk.test"
"""No name server knows it: RFC 2606 keeps `test` free."""
CLOCK = Path(__file__).parent / "clock"
SMALL = {"sizes": ["320x240"]}
LIMITS = {"linger": LINGER, "reconnect": 60, "idle_timeout": 300, "max_lifetime": 1200, "reservation_timeout": 300}
"""All shorter than the jumps of the clock."""
SESSIONS: dict[str, Any] = {
    "Echo": {
        "script": "program_session.py", "count": 8, "options": raw("echo"), "stream": "raw", "limits": LIMITS,
    },
    "Chatty": {
        "script": "named_session.py", "count": 1, "options": {"host": "127.0.0.1"}, "stream": "raw", "limits": LIMITS,
    },
    "Named": {"script": "named_session.py", "count": 2, "options": {"host": HOST}, "stream": "raw", "limits": LIMITS},
    "Desktop": {"script": "desktop_session.py", "count": 2, "options": SMALL, "limits": LIMITS},
}  # fmt: skip


class Surroundings(LiveServer):
    """One of them."""

    SCRIPTS = (EXAMPLES, Path(__file__).parents[1] / "relay_scripts", Path(__file__).parent / "scripts")

    def __init__(self, template: Path) -> None:
        """Lays the site out: its clock is right, and its one name is known."""
        super().__init__(template, SESSIONS)
        self._clock = self.root / "clock"
        self._hosts = self.root / "hosts"
        self.set_clock(0)
        self.know(HOST)
        names = {"LD_PRELOAD": "libnss_wrapper.so", "NSS_WRAPPER_HOSTS": str(self._hosts)}
        known = os.environ.get("REMOTE_SERVICE_SCRIPT_ENV", "").split()
        self.environment |= {
            **names,
            "REMOTE_SERVICE_SCRIPT_ENV": " ".join([*known, *names]),
            "PYTHONPATH": str(CLOCK),
            "CLOCK": str(self._clock),
        }

    def set_clock(self, seconds: int) -> None:
        """Sets the site's clock to so much after the machine's."""
        _replace(self._clock, f"{seconds}\n")

    def know(self, *names: str) -> None:
        """These names of hosts are known from now on, and lead to this machine; others are not."""
        before = self._hosts.stat().st_mtime if self._hosts.exists() else 0.0
        _replace(self._hosts, "".join(f"127.0.0.1 {name}\n" for name in (*names, "localhost")))
        # The library looks at whole seconds to see that it is another file.
        os.utime(self._hosts, (before + 2, before + 2))

    def hosts(self, type_name: str) -> list[psutil.Process]:
        """The script hosts of a type, which their last argument names."""
        return [child for child in psutil.Process(self.pid).children() if command(child).endswith(f" {type_name}")]

    def runner(self, session: str) -> psutil.Process:
        """The process that holds a session: of those with its mark the one whose parent has none."""
        ours: Mapping[int, psutil.Process] = {process.pid: process for process in marked(session)}
        (found,) = (
            process for process in ours.values() if process.ppid() not in ours and "script_host" in command(process)
        )
        return found


def _replace(path: Path, text: str) -> None:
    """Writes a file that is never seen half written."""
    half = path.with_suffix(".new")
    half.write_text(text)
    half.chmod(0o644)
    half.rename(path)
