"""Makes the example scripts importable as a script host does: their directory is on the import path."""

from __future__ import annotations

import sys
from pathlib import Path

EXAMPLE_SCRIPTS = Path(__file__).resolve().parents[3] / "example_scripts"

if str(EXAMPLE_SCRIPTS) not in sys.path:
    sys.path.insert(0, str(EXAMPLE_SCRIPTS))
