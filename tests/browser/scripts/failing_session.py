"""A script that fails, and whose output would do harm in a page or a terminal that took it as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from remote_service import RemoteServiceScript

SAID = "<script>alert(1)</script> \x1b[31mred\x1b[0m \x1b]0;a title\x07done"


class FailingSession(RemoteServiceScript):
    """Never starts."""

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """Says something and gives up."""
        print(SAID, flush=True)
        raise RuntimeError("the <b>licence</b> server does not answer")

    def stop(self) -> bool:
        """Has nothing to do."""
        return True


def realize_service(
    name: str = "", count: int = 1, index: int = 0, common_options: Mapping[str, Any] | None = None
) -> RemoteServiceScript:
    """Called once for each slot."""
    return FailingSession(name, count=count, index=index, common_options=common_options)
