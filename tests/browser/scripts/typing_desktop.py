"""A desktop whose terminal writes what is typed into a file: ready, and its screen never looked at, when it starts."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from typing import Any

from desktop_session import DesktopSession

from remote_service import RemoteServiceScript

_PATIENCE = 20.0


class TypingDesktop(DesktopSession):
    """The file is `typed` in the session's private directory; a line is in it after its Enter."""

    @property
    def common_options(self) -> Mapping[str, Any]:
        """Those of its type, with the terminal that writes."""
        ready, typed = (shlex.quote(str(self.scratch / name)) for name in ("ready", "typed"))
        terminal = ["env", "LC_ALL=C.UTF-8", "xterm", "-geometry", "60x12+0+0", "-e", "sh", "-c"]
        return {**super().common_options, "command": [*terminal, f"touch {ready}; exec cat > {typed}"]}

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """Returns when the terminal's program reads what is typed."""
        if not super().start(token, timestamp, options):
            return False
        deadline = time.monotonic() + _PATIENCE
        while not (self.scratch / "ready").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        return (self.scratch / "ready").exists()


def realize_service(
    name: str = "", count: int = 1, index: int = 0, common_options: Mapping[str, Any] | None = None
) -> RemoteServiceScript:
    """Called once for each slot."""
    return TypingDesktop(name, count=count, index=index, common_options=common_options)
