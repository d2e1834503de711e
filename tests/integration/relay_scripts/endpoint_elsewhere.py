"""A session whose endpoint is at the `port` of the options, whoever listens there; or at one that it daemonises.

With `daemon` a grandchild listens, which nobody waits for and which has left its process group and its environment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from remote_service import RemoteServiceScript

LISTEN = """
import os, socket, sys
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = server.accept()
    connection.sendall(b"RFB 003.008\\n")
    connection.recv(1)
"""


class EndpointElsewhere(RemoteServiceScript):
    """One such session."""

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """Names the endpoint."""
        if "daemon" in self.common_options:
            port = self.free_port()
            environment = ["env", "-i"] if self.common_options["daemon"] == "without environment" else []
            self.run([*environment, os.path.realpath(sys.executable), "-c", LISTEN, str(port)])
            self.set_host_port("localhost", port)
            return True
        self.set_host_port("127.0.0.1", self.common_options["port"])
        return True

    def stop(self) -> bool:
        """What is left is ended by the framework; what is somebody else's is not."""
        return True


def realize_service(
    name: str = "", count: int = 1, index: int = 0, common_options: Mapping[str, Any] | None = None
) -> RemoteServiceScript:
    """Called once for each slot."""
    return EndpointElsewhere(name, count=count, index=index, common_options=common_options)
