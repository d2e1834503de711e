"""The test pattern, marking its calls; what `start` and `stop` do beside that stands in the options.

start   "hang": does not return; "silent": returns, and nothing listens
takes   a number of seconds that `start` takes
stop    a number of seconds to take; "hang": does not return and cannot be interrupted
daemon  true: leaves a process behind that has detached itself twice
says    a text that `start` prints
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from marking import mark
from test_pattern import TestPattern


class MarkedPattern(TestPattern):
    """One test pattern with manners to order."""

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """As ordered."""
        mark(self.common_options, "start")
        wanted = self.common_options.get("start")
        if "says" in self.common_options:
            print(self.common_options["says"])
        if wanted == "hang":
            time.sleep(3600)
        time.sleep(self.common_options.get("takes", 0))
        if self.common_options.get("daemon"):
            detach_twice()
        if wanted == "silent":
            self.set_unix_socket(self.scratch / "nobody.sock")
            return True
        return super().start(token, timestamp, options)

    def stop(self) -> bool:
        """As ordered; the end is marked too, so that it can be seen what ran side by side."""
        mark(self.common_options, "stop")
        wanted = self.common_options.get("stop", 0)
        while wanted == "hang":
            try:
                time.sleep(3600)
            except BaseException:  # noqa: BLE001 (that it cannot be interrupted is what it is for)
                continue
        time.sleep(wanted)
        mark(self.common_options, "stopped")
        return super().stop()


def detach_twice() -> None:
    """Leaves a process behind as daemons do: fork, setsid, fork."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(3600)"])
        os._exit(0)
    os.wait()


def realize_service(
    name: str = "", count: int = 1, index: int = 0, common_options: Mapping[str, Any] | None = None
) -> TestPattern:
    """Called once for each slot."""
    return MarkedPattern(name, count=count, index=index, common_options=common_options)
