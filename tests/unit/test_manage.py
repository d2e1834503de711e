"""`manage.py` where its packages are not installed, or what it is told makes no sense."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        (
            {"DATABASE_URL": "nonsense"},
            "DATABASE_URL is 'nonsense': value error, it is no address; expected postgres://user:password@host:5432/",
        ),
        # Nobody listens at port 1.
        ({"DATABASE_URL": "postgres://u:hush@127.0.0.1:1/name"}, "the database does not answer: connection failed"),
        (
            {"DATABASE_URL": "postgres://u:hush@127.0.0.1/x?colour=red"},
            "the database does not answer: DATABASE_URL cannot",
        ),
    ],
)
def test_what_is_wrong_with_an_address_is_said_without_a_traceback(
    tmp_path: Path, variables: dict[str, str], says: str
) -> None:
    environment = {"PATH": os.defpath, "REMOTE_SERVICE_STATE_DIR": str(tmp_path / "state"), **variables}
    done = subprocess.run(
        [sys.executable, str(MANAGE), "clearsessions"],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{MANAGE}: {says}")
    assert "hush" not in done.stderr
    assert "Traceback" not in done.stderr


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
