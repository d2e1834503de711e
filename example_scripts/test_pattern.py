"""A desktop that needs nothing installed: a picture of our own, served by a small RFB server in this process.

Shows: a script that serves its session itself, from threads, on a Unix socket that only its user can reach.
Needs: nothing but Python.
Run:   {"Test pattern": {"script": "test_pattern.py", "count": 4, "options": {"sizes": ["1280x800"]}}}

What is typed appears in the picture, the pointer leaves marks, a block moves. Viewers may resize it. The
modules beside this one do the work: `test_pattern_rfb` (socket and threads), `test_pattern_viewer` (one
connection), `test_pattern_protocol` (messages), `test_pattern_board` (what viewers share),
`test_pattern_picture` and `test_pattern_font` (pixels).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from screen_size import Size, parse_size
from test_pattern_board import Board
from test_pattern_rfb import PatternServer
from test_pattern_viewer import LARGEST_SIDE

from remote_service import RemoteServiceScript

DEFAULT_SIZE = Size(1280, 800)


class TestPattern(RemoteServiceScript):
    """One test pattern."""

    __test__ = False  # the name is no test's, whatever a test runner thinks

    _server: PatternServer | None = None

    def start(self, token: str, timestamp: float | None = None, options: dict[str, Any] | None = None) -> bool:
        """Starts to listen; takes a few milliseconds."""
        size = self._size(options or {})
        title = f"{self.name} #{self.index}"
        path = self.scratch / "rfb.sock"
        self._server = PatternServer(Board(title, *size), title, path, self.log)
        self._server.start()
        self.set_unix_socket(path)
        return True

    def stop(self) -> bool:
        """Hangs up and ends the threads."""
        if self._server is not None:
            self._server.stop()
        return True

    def _size(self, options: Mapping[str, Any]) -> Size:
        try:
            return parse_size(options.get("size", str(DEFAULT_SIZE)), LARGEST_SIDE)
        except ValueError as error:
            self.log.warning("%s; the test pattern uses %s", error, DEFAULT_SIZE)
            return DEFAULT_SIZE


def realize_service(
    name: str = "", count: int = 1, index: int = 0, common_options: Mapping[str, Any] | None = None
) -> RemoteServiceScript:
    """Called once for each slot."""
    return TestPattern(name, count=count, index=index, common_options=common_options)
