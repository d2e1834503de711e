"""A session that is a program of ours, started with where it has to listen and more arguments behind that.

program     the path of its Python file
arguments   further ones
tcp         true: it listens at a port of this machine; otherwise at a Unix socket
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from remote_service import RemoteServiceScript


class ProgramSession(RemoteServiceScript):
    """One such program."""

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """Starts it."""
        command = [sys.executable, self.common_options["program"]]
        arguments = self.common_options.get("arguments", ())
        if self.common_options.get("tcp"):
            port = self.free_port()
            self.spawn([*command, str(port), *arguments])
            self.set_host_port("127.0.0.1", port)
        else:
            path = self.scratch / "program.sock"
            self.spawn([*command, str(path), *arguments])
            self.set_unix_socket(path)
        return True

    def stop(self) -> bool:
        """What was spawned is ended by the framework."""
        return True


def realize_service(
    name: str = "", count: int = 1, index: int = 0, common_options: Mapping[str, Any] | None = None
) -> RemoteServiceScript:
    """Called once for each slot."""
    return ProgramSession(name, count=count, index=index, common_options=common_options)
