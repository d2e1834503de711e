"""The sites that the browser tests look at: the real `manage.py serve` with session types for these tests."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.integration.live import LiveServer
from tests.integration.serving import EXAMPLES
from tests.waiting import eventually

ALICE, BOB = "alice", "bob"
"""Members of the group that MEMBERS is for."""
CHARLIE = "charlie"
ROOT = "root"
"""The superuser."""
FORGETFUL = "looker"
"""Enters wrong passwords until the door is locked; of no use to other tests then."""
CHANGING = "staff"
"""Changes the password; likewise."""
NOBODY = ""
"""Stands for a visitor who is not logged in."""

DESKTOP = "Desktop"
DESKTOP_WITH_PASSWORD = "Desktop with a password"
PATTERN = "Pattern"
MEMBERS = "For members"
FAILING = "Failing"
GATED = "Gated"
JOB = "Batch job"
TYPING = "Typewriter"
"""A desktop that keeps what is typed, see scripts/typing_desktop.py."""

LINGER = 2.0
"""Seconds that a session outlives a viewer that closed its window."""
ENDS_WITHIN = LINGER + 5.0
"""Seconds until its slot must be free: the supervisor looks every second, and stopping takes a moment."""


class BrowserSite(LiveServer):
    """A site with the users of `tests.integration.live` and the scripts beside this module."""

    SCRIPTS = (EXAMPLES, Path(__file__).parent / "scripts")

    def __init__(self, template: Path, types: Collection[str] = ()) -> None:
        """Lays it out; nothing runs yet. `types` are those to serve; all unless given."""
        super().__init__(template)
        self.gate = self.root / "gate"
        """While there is such a file, sessions of the type GATED listen; the session account must see it."""
        served = session_types(self.gate)
        self.write_sessions({name: entry for name, entry in served.items() if not types or name in types})

    def states(self) -> dict[str, str]:
        """The state of every session there ever was, by its id."""
        return {row.id: row.state for row in self.rows()}

    def live(self) -> list[str]:
        """The ids of all sessions that are not over."""
        return [session for session, state in self.states().items() if state not in ("ended", "failed")]

    def end_all_sessions(self) -> None:
        """As the superuser, ends whatever still runs, and waits until it has."""
        self.gate.unlink(missing_ok=True)
        for session in self.live():
            self.stop_session(ROOT, session)
        eventually(lambda: not self.live(), within=15)


@contextmanager
def browser_site(template: Path, types: Collection[str] = ()) -> Iterator[BrowserSite]:
    """A site that whoever asks for it starts; ended and removed here, and nothing of it may be left."""
    site = BrowserSite(template, types)
    try:
        yield site
    finally:
        left = site.clean_up()
    assert left == []


def session_types(gate: Path) -> dict[str, Any]:
    """The sessions file."""
    limits = {"linger": LINGER}
    desktop = {"script": "desktop_session.py", "limits": limits, "icon": "monitor"}
    pattern = {"script": "test_pattern.py", "count": 3, "options": {"sizes": ["640x480", "800x600"]}, "limits": limits}
    return {
        DESKTOP: {
            **desktop,
            "count": 2,
            "options": {"sizes": ["1024x768", "800x600"]},
            "description": "A desktop of your own on this machine.",
        },
        DESKTOP_WITH_PASSWORD: {**desktop, "count": 1, "options": {"sizes": ["800x600"], "password": True}},
        TYPING: {**desktop, "script": "typing_desktop.py", "count": 5, "options": {"sizes": ["800x600"]}},
        PATTERN: {**pattern, "description": "A moving picture."},
        MEMBERS: {**pattern, "options": {"sizes": ["640x480"], "group": "ClusterRendering"}},
        FAILING: {"script": "failing_session.py", "count": 2, "options": {"sizes": ["640x480"]}},
        GATED: {"script": "gated_pattern.py", "count": 1, "options": {"sizes": ["640x480"], "gate": str(gate)}},
        JOB: {
            "script": "telling_pattern.py",
            "count": 1,
            "options": {"sizes": ["640x480", "800x600"]},
            "limits": limits,
            "form": [
                {"name": "memory", "type": "number", "label": "Memory", "min": 1, "max": 8, "default": 2, "unit": "GB"},
                {"name": "queue", "type": "choice", "label": "Queue", "choices": ["short", "long"]},
                {"name": "notify", "type": "checkbox", "label": "Tell me by mail", "help": "When it has begun."},
                {"name": "address", "type": "text", "label": "Mail address", "min": 5, "show_if": {"notify": True}},
            ],
        },
    }
