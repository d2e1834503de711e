"""`manage.py` where its packages are not installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"


def test_without_django_it_says_in_one_line_what_to_type() -> None:
    # -S leaves out the directory in which packages are.
    done = subprocess.run(
        [sys.executable, "-S", str(MANAGE), "check"], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"{sys.executable} has no Django; expected the packages of requirements.txt. "
        "Type '.venv/bin/python manage.py …', or 'make setup' first\n"
    )
