"""The test pattern; writes the options that it was started with into its session's log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from test_pattern import TestPattern

from remote_service import RemoteServiceScript


class TellingPattern(TestPattern):
    """Tells what it was given."""

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """Prints one line of JSON."""
        print("options", json.dumps(options, sort_keys=True), flush=True)
        return super().start(token, timestamp, options)


def realize_service(
    name: str = "", count: int = 1, index: int = 0, common_options: Mapping[str, Any] | None = None
) -> RemoteServiceScript:
    """Called once for each slot."""
    return TellingPattern(name, count=count, index=index, common_options=common_options)
