"""Tests that stand still come to an end, wherever they do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STANDS_STILL = """
import time
import pytest

@pytest.fixture
def browser():
    yield
    wait_for_the_browser()

@pytest.fixture
def server():
    yield
    print("the server has ended")

def wait_for_the_browser():
    time.sleep(100)

def test_that_stands_still(server, browser):
    time.sleep(100)

def test_behind_it():
    pass
"""


def test_the_test_and_its_tidying_up_are_both_interrupted_and_the_next_one_runs(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(STANDS_STILL)
    (tmp_path / "pytest.ini").write_text("[pytest]\ntimeout = 0.5\ntidying_timeout = 0.5\n")
    plugins = ["-p", "tests.time_limits", "-p", "no:cacheprovider", "-p", "no:django", "-p", "no:xdist"]

    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert "1 failed, 1 passed, 1 error" in done.stdout, done.stdout + done.stderr
    assert "    wait_for_the_browser()\n" in done.stdout
    assert "Tidying up behind test_it.py::test_that_stands_still has stood still; 0.5 s are allowed." in done.stdout
    assert "the server has ended" in done.stdout
