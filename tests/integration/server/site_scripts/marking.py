"""How the scripts of these tests say which of their calls was made: a line in a file that all of them append to."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any


def mark(options: Mapping[str, Any], call: str) -> None:
    """Appends one line: the call, the session, the process, the time."""
    line = f"{call} {os.environ['REMOTE_SERVICE_SESSION']} {os.getpid()} {time.monotonic()}\n"
    descriptor = os.open(options["marks"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.write(descriptor, line.encode())
    os.close(descriptor)
