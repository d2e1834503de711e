"""A test pattern with a program beside it that does what its type's option `does` says, once a file `go` is there.

"allocate" takes memory without end, "fork" forks without end. "hide" starts a program at once that has no
environment and that nobody's child is; its pid is in the file `hidden`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from test_pattern import TestPattern

from remote_service import RemoteServiceScript

HERE = Path(__file__).parent
AFTER_GO = f"""
import os, pathlib, time
while not pathlib.Path({str(HERE / "go")!r}).exists():
    time.sleep(0.05)
"""
PROGRAMS = {
    "allocate": f"{AFTER_GO}\nfound = []\nwhile True:\n    found.append(bytearray(b'x' * (1 << 20)))\n",
    "fork": f"{AFTER_GO}\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        time.sleep(0.05)\n",
    "hide": """
import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(os.getpid(), file=open(sys.argv[1], "w"), flush=True)
        os.execve("/bin/sleep", ["sleep", "1000"], {})
""",
}


class Greedy(TestPattern):
    """A test pattern, and its program."""

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """Starts both."""
        program = PROGRAMS[self.common_options["does"]]
        self.spawn([sys.executable, "-c", program, str(self.scratch / "hidden")])
        return super().start(token, timestamp, options)


def realize_service(
    name: str = "", count: int = 1, index: int = 0, common_options: Mapping[str, Any] | None = None
) -> RemoteServiceScript:
    """Called once for each slot."""
    return Greedy(name, count=count, index=index, common_options=common_options)
