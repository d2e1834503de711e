"""Real servers for all tests of this folder; see `tests.integration.live`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.integration.live import LiveServer, template_with_users

SMALL = {"sizes": ["320x240"]}
BRIEF = {"linger": 0.3, "reconnect": 2}
"""Limits of sessions that need not wait long for a viewer who has left."""

RAW = Path(__file__).parent / "relay_scripts" / "raw_program.py"


def raw(mode: str) -> dict[str, Any]:
    """Options of a session that is no VNC; see that program."""
    return {"program": str(RAW), "arguments": [mode]}


SESSIONS: dict[str, Any] = {
    "Pattern": {"script": "test_pattern.py", "count": 20, "options": SMALL, "limits": BRIEF},
    "Team pattern": {
        "script": "test_pattern.py", "count": 2, "options": {**SMALL, "group": "ClusterRendering"}, "limits": BRIEF,
    },
    "Three": {"script": "test_pattern.py", "count": 3, "options": SMALL},
    "Echo": {"script": "program_session.py", "count": 5, "options": raw("echo"), "stream": "raw", "limits": BRIEF},
    "Greeter": {"script": "program_session.py", "count": 2, "options": raw("greet"), "stream": "raw"},
    "Flood": {"script": "program_session.py", "count": 1, "options": raw("flood"), "stream": "raw"},
    "Sink": {"script": "program_session.py", "count": 1, "options": raw("sink"), "stream": "raw"},
    "Stub 3.3": {"script": "stub_vnc.py", "count": 1, "options": {"version": "003.003", "password": "secret12"}},
    "Stub 3.7": {"script": "stub_vnc.py", "count": 1, "options": {"version": "003.007", "password": "secret12"}},
    "Stub 3.8": {"script": "stub_vnc.py", "count": 3, "options": {"version": "003.008"}},
    "Encrypting": {"script": "stub_vnc.py", "count": 1, "options": {"version": "003.008", "demand": 19}},
    "Password desktop": {"script": "password_desktop.py", "count": 1, "options": SMALL},
    "Machine": {"script": "qemu_machine.py", "count": 1, "options": {}},
    "Machine with a password": {"script": "qemu_machine.py", "count": 1, "options": {"password": True}},
    "Machine to look at": {
        "script": "qemu_machine.py", "count": 1, "options": {"password": True},
        "viewer_policy": {"view_only": True, "no_clipboard_out": True},
    },
    "Desktop": {"script": "desktop_session.py", "count": 1, "options": SMALL, "limits": BRIEF},
    "Patient": {
        "script": "test_pattern.py", "count": 2, "options": SMALL, "limits": {"linger": 0.3, "reconnect": 900},
    },
    "No VNC": {"script": "program_session.py", "count": 1, "options": raw("greet")},
    "Falsy": {"script": "failing.py", "count": 1, "options": {"how": "falsy"}},
    "Raises": {"script": "failing.py", "count": 1, "options": {"how": "raises"}},
    "Idle": {"script": "test_pattern.py", "count": 1, "options": SMALL, "limits": {"idle_timeout": 0.5}},
    "Short-lived": {"script": "test_pattern.py", "count": 1, "options": SMALL, "limits": {"max_lifetime": 0.5}},
    "Impatient": {"script": "test_pattern.py", "count": 1, "options": SMALL, "limits": {"reservation_timeout": 0.5}},
}  # fmt: skip
"""What the shared server serves."""

OwnServer = Callable[..., LiveServer]


@pytest.fixture(scope="session")
def site_template() -> Path:
    """A prepared state directory with the users of `tests.integration.live`."""
    return template_with_users()


@pytest.fixture(scope="session")
def live(site_template: Path) -> Iterator[LiveServer]:
    """The server that the tests share: leave it running, and its slots free."""
    server = LiveServer(site_template, SESSIONS)
    try:
        server.start()
        yield server
        assert server.stop().status == 0, server.output
        assert server.leftovers.of() == []
    finally:
        server.clean_up()


@pytest.fixture
def own_server(site_template: Path) -> Iterator[OwnServer]:
    """Starts a server of the test's own: what it serves, options of `serve`, and more of its environment."""
    servers = ExitStack()

    def start(
        sessions: dict[str, Any], *arguments: str, tls: tuple[Path, Path] | None = None, **variables: str
    ) -> LiveServer:
        server = LiveServer(site_template, sessions, tls=tls, **variables)
        servers.callback(server.clean_up)
        server.start(*arguments)
        return server

    with servers:
        yield start
