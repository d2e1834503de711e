"""A session that is no VNC, at a TCP port of a host that is called by the name in its options."""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remote_service import RemoteServiceScript

PROGRAM = Path(__file__).with_name("named_program.py")


class NamedSession(RemoteServiceScript):
    """One such program."""

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """Starts it at a port that is free."""
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.spawn([sys.executable, str(PROGRAM), str(port)])
        self.set_host_port(self.common_options["host"], port)
        return True

    def stop(self) -> bool:
        """What was spawned is ended by the framework."""
        return True


def realize_service(
    name: str = "", count: int = 1, index: int = 0, common_options: Mapping[str, Any] | None = None
) -> RemoteServiceScript:
    """Called once for each slot."""
    return NamedSession(name, count=count, index=index, common_options=common_options)
