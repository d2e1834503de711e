"""A session for the screenshots that cannot be started."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from remote_service import RemoteServiceScript


class FailingSession(RemoteServiceScript):
    """Never starts."""

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """Says what it tries, and gives up."""
        print("solver 24.1 on n8", flush=True)
        print("asking the licence server licences.example.org:1055 ...", flush=True)
        raise RuntimeError("the licence server licences.example.org:1055 does not answer")

    def stop(self) -> bool:
        """Has nothing to do."""
        return True


def realize_service(
    name: str = "", count: int = 1, index: int = 0, common_options: Mapping[str, Any] | None = None
) -> RemoteServiceScript:
    """Called once for each slot."""
    return FailingSession(name, count=count, index=index, common_options=common_options)
