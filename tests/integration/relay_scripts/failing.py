"""A script whose start fails as its option `how` says: "falsy" or "raises"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from remote_service import RemoteServiceScript


class Failing(RemoteServiceScript):
    """Never starts."""

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """Fails."""
        if self.common_options["how"] == "raises":
            raise RuntimeError("no licence is free")
        return False

    def stop(self) -> bool:
        """Nothing runs."""
        return True


def realize_service(
    name: str = "", count: int = 1, index: int = 0, common_options: Mapping[str, Any] | None = None
) -> RemoteServiceScript:
    """Called once for each slot."""
    return Failing(name, count=count, index=index, common_options=common_options)
