"""The example desktop, marking its calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from desktop_session import DesktopSession
from marking import mark


class MarkedDesktop(DesktopSession):
    """A desktop that marks."""

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """Marks and starts."""
        mark(self.common_options, "start")
        return super().start(token, timestamp, options)

    def stop(self) -> bool:
        """Marks and stops."""
        mark(self.common_options, "stop")
        return super().stop()


def realize_service(
    name: str = "", count: int = 1, index: int = 0, common_options: Mapping[str, Any] | None = None
) -> DesktopSession:
    """Called once for each slot."""
    return MarkedDesktop(name, count=count, index=index, common_options=common_options)
