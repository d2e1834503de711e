"""A site whose scripts tell of every call that is made to them, by a line in a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from tests.integration.leftovers import command, marked
from tests.integration.live import LiveServer
from tests.integration.serving import EXAMPLES

OURS = "remote_service.hosting.script_host"
"""In the command line of script hosts, and of their forks: runners, and the workers in which scripts are called."""
SERVERS = ("Xtigervnc", "fake_vncserver", "time.sleep")
"""In those of programs that live as long as their session; a desktop has others, that come and go."""


def lasting(*sessions: str) -> set[int]:
    """The processes of sessions that live as long as these."""
    return {process.pid for process in marked(*sessions) if any(name in command(process) for name in (OURS, *SERVERS))}


class Mark(NamedTuple):
    """A line that a script wrote: which call, of which session, in which process, when (monotonic seconds)."""

    call: str
    session: str
    pid: int
    at: float


class MarkedSite(LiveServer):
    """A site with the scripts of `site_scripts`; it has no sessions file until one is written."""

    SCRIPTS = (EXAMPLES, Path(__file__).parent / "site_scripts")

    def __init__(self, template: Path, *, measured: bool = False) -> None:
        """Lays the site out on a copy of `template`."""
        super().__init__(template, measured=measured)
        self.marks_file = self.root / "marks" / "calls"
        self.marks_file.parent.mkdir()
        # The scripts run as another account when root runs the tests.
        self.marks_file.parent.chmod(0o777)

    def entry(
        self, script: str, count: int = 1, options: Mapping[str, Any] | None = None, **keys: Any
    ) -> dict[str, Any]:
        """An entry of the sessions file whose script can leave marks."""
        marks = {"marks": str(self.marks_file), "sizes": ["320x240"]}
        return {"script": script, "count": count, "options": {**marks, **(options or {})}, **keys}

    def marks(self) -> list[Mark]:
        """What the scripts wrote, in the order of time."""
        if not self.marks_file.exists():
            return []
        lines = (line.split() for line in self.marks_file.read_text().splitlines())
        return [Mark(call, session, int(pid), float(at)) for call, session, pid, at in lines]

    def calls(self, call: str, session: str) -> int:
        """How often a call of a session's script was made."""
        return sum(mark.call == call and mark.session == session for mark in self.marks())

    def hosts(self, type_name: str) -> list[psutil.Process]:
        """The script hosts of a type, which their last argument names."""
        found = []
        for child in psutil.Process(self.pid).children():
            with suppress(psutil.Error):
                if child.cmdline()[-1:] == [type_name]:
                    found.append(child)
        return found


@contextmanager
def marked_site(template: Path, *, measured: bool = False) -> Iterator[MarkedSite]:
    """A site that is taken down, with all it left, at the end of a block."""
    site = MarkedSite(template, measured=measured)
    try:
        yield site
    finally:
        site.clean_up()
