"""The test pattern, listening only once there is a file at the path that the option `gate` names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from test_pattern import TestPattern
from test_pattern_board import Board
from test_pattern_rfb import PatternServer

from remote_service import RemoteServiceScript
from remote_service.answers import Poll


class GatedPattern(TestPattern):
    """Pending until the gate is open."""

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """Says where it will listen."""
        self.set_unix_socket(self.scratch / "rfb.sock")
        return True

    def poll(self) -> Poll:
        """Begins to listen when the gate is open."""
        if self._server is None:
            if not Path(self.common_options["gate"]).exists():
                return Poll.pending("the gate is shut")
            self._server = PatternServer(Board(self.name, 640, 480), self.name, self.scratch / "rfb.sock", self.log)
            self._server.start()
        return super().poll()

    def progress(self) -> str:
        """What the user is told meanwhile."""
        return "Waiting for the gate to open"


def realize_service(
    name: str = "", count: int = 1, index: int = 0, common_options: Mapping[str, Any] | None = None
) -> RemoteServiceScript:
    """Called once for each slot."""
    return GatedPattern(name, count=count, index=index, common_options=common_options)
