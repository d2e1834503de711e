"""The test pattern, marking when a call begins and when it has ended; `mood` in the options says what `start` does.

"slow": takes a second and a half; "broken": raises
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from marking import mark
from test_pattern import TestPattern

SLOW = 1.5


class CrashPattern(TestPattern):
    """One test pattern with a mood."""

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """As its mood is."""
        mark(self.common_options, "start")
        mood = self.common_options.get("mood")
        if mood == "slow":
            time.sleep(SLOW)
        if mood == "broken":
            raise RuntimeError("this type cannot be started")
        return super().start(token, timestamp, options)

    def stop(self) -> bool:
        """Stops."""
        mark(self.common_options, "stop")
        done = super().stop()
        mark(self.common_options, "stopped")
        return done


def realize_service(
    name: str = "", count: int = 1, index: int = 0, common_options: Mapping[str, Any] | None = None
) -> TestPattern:
    """Called once for each slot."""
    return CrashPattern(name, count=count, index=index, common_options=common_options)
