"""A session for the screenshots that waits for ever, as one does in the queue of a busy cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from remote_service import RemoteServiceScript
from remote_service.answers import Poll


class WaitingSession(RemoteServiceScript):
    """Pending until it is stopped."""

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """Says where it would listen."""
        print(f"asked for {(options or {}).get('cores', '4')} cores on n8", flush=True)
        self.set_unix_socket(self.scratch / "vnc.sock")
        return True

    def poll(self) -> Poll:
        """Never listens."""
        return Poll.pending("the node is busy")

    def progress(self) -> str:
        """What the user is told meanwhile."""
        return "Waiting for cores on the node n8: 2 jobs are before this one"

    def stop(self) -> bool:
        """Has nothing to do."""
        return True


def realize_service(
    name: str = "", count: int = 1, index: int = 0, common_options: Mapping[str, Any] | None = None
) -> RemoteServiceScript:
    """Called once for each slot."""
    return WaitingSession(name, count=count, index=index, common_options=common_options)
