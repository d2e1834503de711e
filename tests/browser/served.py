"""The sites that the browser tests look at: the real `manage.py serve` with session types for these tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.browser.accounts import ADMIN
from tests.conftest import GROUP
from tests.integration.server.own_site import OwnSite
from tests.integration.server.web_user import WebUser
from tests.waiting import eventually

SCRIPTS = Path(__file__).parent / "scripts"

DESKTOP = "Desktop"
DESKTOP_WITH_PASSWORD = "Desktop with a password"
PATTERN = "Pattern"
MEMBERS = "For members"
FAILING = "Failing"
GATED = "Gated"
JOB = "Batch job"

LINGER = 2.0
"""Seconds that a session outlives a viewer that closed its window."""
ENDS_WITHIN = LINGER + 5.0
"""Seconds until its slot must be free: the supervisor looks every second, and stopping takes a moment."""


class BrowserSite(OwnSite):
    """A site with the accounts of `tests.browser.accounts` and the scripts beside this module."""

    def __init__(self, root: Path, template: Path) -> None:
        """Lays it out; nothing runs yet."""
        super().__init__(root, template)
        for script in SCRIPTS.glob("*.py"):
            shutil.copy(script, self.scripts)
        self.gate = root / "gate"
        """While there is such a file, sessions of the type GATED listen."""

    def live(self) -> list[str]:
        """The ids of all sessions that hold a slot."""
        return [row.id for row in self.rows() if row.state not in ("ended", "failed")]

    def state_of(self, session: str) -> str:
        """A session's state."""
        return next(row.state for row in self.rows() if row.id == session)

    def end_all_sessions(self) -> None:
        """As the admin, ends whatever still runs, and waits until it has."""
        self.gate.unlink(missing_ok=True)
        if live := self.live():
            admin = WebUser(self.address)
            admin.log_in(ADMIN.name, ADMIN.password)
            for session in live:
                admin.post(f"/sessions/{session}/stop", {})
            eventually(lambda: not self.live(), within=15)


@contextmanager
def browser_site(template: Path) -> Iterator[BrowserSite]:
    """A site below a directory that other accounts can enter; started by who asks for it, ended and removed here."""
    root = Path(tempfile.mkdtemp(prefix="rsg-browser-"))
    site = BrowserSite(root, template)
    site.write_sessions(session_types(site))
    try:
        yield site
    finally:
        site.clean()
        shutil.rmtree(root)


def session_types(site: BrowserSite) -> Mapping[str, Any]:
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
        PATTERN: {**pattern, "description": "A moving picture."},
        MEMBERS: {**pattern, "options": {"sizes": ["640x480"], "group": GROUP}},
        FAILING: {"script": "failing_session.py", "count": 2, "options": {"sizes": ["640x480"]}},
        GATED: {"script": "gated_pattern.py", "count": 1, "options": {"sizes": ["640x480"], "gate": str(site.gate)}},
        JOB: {
            "script": "telling_pattern.py",
            "count": 1,
            "options": {"sizes": ["640x480", "800x600"]},
            "limits": limits,
            "form": [
                {"name": "cores", "type": "number", "label": "Cores", "min": 1, "max": 8, "default": 2, "unit": "of 8"},
                {"name": "queue", "type": "choice", "label": "Queue", "choices": ["short", "long"]},
                {"name": "notify", "type": "checkbox", "label": "Tell me by mail", "help": "When it has begun."},
                {"name": "address", "type": "text", "label": "Mail address", "min": 5, "show_if": {"notify": True}},
            ],
        },
    }
