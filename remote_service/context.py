"""What a running session offers its script: the seam between `RemoteServiceScript` and its process.

The script class knows only this protocol; the process that runs it (see `remote_service.hosting`) provides it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Protocol

from remote_service.answers import Poll
from remote_service.endpoints import Endpoint


class SessionContext(Protocol):
    """One session, seen from its script."""

    @property
    def log(self) -> logging.Logger:
        """Writes into the session's log."""
        ...

    @property
    def scratch(self) -> Path:
        """The session's private directory, made when first asked for."""
        ...

    def publish(self, endpoint: Endpoint, password: str | None) -> None:
        """Makes the endpoint known; the last one before `start` returns counts."""
        ...

    def keep_secret(self, secret: str) -> None:
        """Masks the text in the session's log from now on."""
        ...

    def run(
        self, argv: Sequence[str], *, timeout: float, env: Mapping[str, str] | None, cwd: str | Path | None
    ) -> CompletedProcess[str]:
        """Runs a command to its end."""
        ...

    def spawn(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None,
        cwd: str | Path | None,
        pass_fds: Sequence[int],
    ) -> Popen[bytes]:
        """Starts a program that lives as long as the session."""
        ...

    def poll(self) -> Poll:
        """What the spawned programs and the endpoint's listening socket say."""
        ...
