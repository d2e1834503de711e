"""A session that only greets its viewers: what the way to a screen costs, without a screen."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remote_service import RemoteServiceScript

PROGRAM = Path(__file__).with_name("greeting_program.py")


class GreetingSession(RemoteServiceScript):
    """One such program."""

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """Starts it."""
        port = self.free_port()
        self.spawn([sys.executable, str(PROGRAM), str(port)])
        self.set_host_port("127.0.0.1", port)
        return True

    def stop(self) -> bool:
        """What was spawned is ended by the framework."""
        return True


def realize_service(
    name: str = "", count: int = 1, index: int = 0, common_options: Mapping[str, Any] | None = None
) -> RemoteServiceScript:
    """Called once for each slot."""
    return GreetingSession(name, count=count, index=index, common_options=common_options)
