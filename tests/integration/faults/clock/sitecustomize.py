"""Makes the wall clock of a Python process the test's, which imports this at its start; the monotonic one stays.

Whoever asks `time.time` or Django for the time is told it with so many seconds added as stand in the file CLOCK.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.utils import timezone

_file = Path(os.environ["CLOCK"])
_right_time = time.time


def _added() -> float:
    return float(_file.read_text())


def _time() -> float:
    return _right_time() + _added()


def _now() -> datetime:
    return datetime.now(tz=UTC) + timedelta(seconds=_added())


time.time = _time
timezone.now = _now
