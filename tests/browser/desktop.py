"""A real desktop behind a session: its processes and files on this machine, and the terminal on its screen."""

from __future__ import annotations

import os
import pwd
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from playwright.sync_api import Page

from tests.browser.visitor import pixels
from tests.integration.leftovers import X_SOCKETS, lives, marked, scratch
from tests.waiting import eventually

SESSION_ACCOUNT = "remote-session"
TERMINAL_BACKGROUND = "#14181f"
TERMINAL_TEXT = "#e6e9ef"


@dataclass(frozen=True, slots=True)
class Desktop:
    """What belongs to a desktop session on this machine."""

    x_server: psutil.Process
    processes: tuple[psutil.Process, ...]
    files: tuple[Path, ...]
    """The X server's socket, and lock file if it made one, and the session's private directory."""

    def left(self) -> list[str]:
        """What of it is there still."""
        return [str(process) for process in self.processes if lives(process)] + [
            str(file) for file in self.files if file.exists()
        ]


def desktop_of(session: str) -> Desktop:
    """Takes down what belongs to a running desktop session."""
    processes = marked(session)
    (server,) = (process for process in processes if process.name() == "Xtigervnc")
    listening = {Path(str(connection.laddr)) for connection in server.net_connections("unix")}
    (socket,) = (path for path in listening if path.parent == X_SOCKETS)
    files = (socket, Path(f"/tmp/.{socket.name}-lock"), *scratch(session))
    return Desktop(server, tuple(processes), tuple(file for file in files if file.exists()))


def wait_for_prompt(page: Page) -> None:
    """Waits until the terminal's window is on the screen and its shell has asked for a command."""
    eventually(lambda: pixels(page, TERMINAL_BACKGROUND) > 100_000 and pixels(page, TERMINAL_TEXT) > 100, within=15)


@contextmanager
def marker_file() -> Iterator[Path]:
    """A path in the home directory of whoever the session's programs run as; no such file is there, nor left."""
    home = pwd.getpwnam(SESSION_ACCOUNT).pw_dir if os.geteuid() == 0 else str(Path.home())
    path = Path(home, f"marker-{secrets.token_hex(8)}")
    try:
        yield path
    finally:
        with suppress(FileNotFoundError):
            path.unlink()
