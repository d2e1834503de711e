"""What the sessions of benchmarks run, and where their script is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.product import PROJECT

PROGRAMS = Path(__file__).parent
VARIABLES = {"REMOTE_SERVICE_SCRIPT_DIRS": str(PROJECT / "tests" / "integration" / "relay_scripts")}
"""With these the server knows `program_session.py`."""


def program_session(program: str, *arguments: str, tcp: bool = False, **more: Any) -> dict[str, Any]:
    """An entry of a sessions file: one session of this program, unless there is more said of it."""
    options = {"program": str(PROGRAMS / program), "arguments": arguments, "tcp": tcp}
    return {"script": "program_session.py", "count": 1, "options": options, **more}
