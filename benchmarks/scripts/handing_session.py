"""A session whose endpoint is played by whoever listens at the abstract socket `taker` of the options."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remote_service import RemoteServiceScript

PROGRAM = Path(__file__).with_name("handing_program.py")


class HandingSession(RemoteServiceScript):
    """One such program."""

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """Starts it."""
        path = self.scratch / "stream.sock"
        self.spawn([sys.executable, str(PROGRAM), str(path), self.common_options["taker"]])
        self.set_unix_socket(path)
        return True

    def stop(self) -> bool:
        """What was spawned is ended by the framework."""
        return True


def realize_service(
    name: str = "", count: int = 1, index: int = 0, common_options: Mapping[str, Any] | None = None
) -> RemoteServiceScript:
    """Called once for each slot."""
    return HandingSession(name, count=count, index=index, common_options=common_options)
