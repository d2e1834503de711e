"""Runs tools/vendor_assets.py and compares what it fetches with what is committed.

Needs npm and the npm registry. A machine without npm skips, in CI too: nothing but this tool uses Node.
Where npm is there, a registry that cannot be reached is a reason to skip except in CI.
"""

from __future__ import annotations

import filecmp
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "vendor_assets.py"
VENDOR = ROOT / "webui" / "static" / "vendor"
UNREACHABLE = re.compile(r"\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH)\b")


def run(into: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the tool; `environment` is added to ours."""
    return subprocess.run(
        [sys.executable, "-W", "error", str(TOOL), "--into", str(into)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=110,
    )


def contents(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vendor folder that the tool filled, with a left-over file in it."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed, so the vendored files cannot be fetched for comparison")
    into = tmp_path_factory.mktemp("vendor")
    (into / "README.md").write_text("ours")
    (into / "novnc").mkdir()
    (into / "novnc" / "left-over.js").write_text("of an earlier version")
    result = run(into)
    if result.returncode != 0 and UNREACHABLE.search(result.stderr) and not os.environ.get("CI"):
        pytest.skip(f"the npm registry cannot be reached: {result.stderr.strip()}")
    assert result.returncode == 0, result.stderr
    return into


def test_the_committed_files_are_what_npm_delivers(fetched: Path) -> None:
    committed = contents(VENDOR) - {"README.md"}
    assert contents(fetched) - {"README.md"} == committed
    _, different, unreadable = filecmp.cmpfiles(fetched, VENDOR, committed, shallow=False)
    assert (different, unreadable) == ([], [])


def test_it_removes_files_of_an_earlier_version_and_keeps_the_notice(fetched: Path) -> None:
    assert not (fetched / "novnc" / "left-over.js").exists()
    assert (fetched / "README.md").read_text() == "ours"


def test_it_says_so_when_npm_is_missing(tmp_path: Path) -> None:
    result = run(tmp_path / "vendor", PATH=str(tmp_path))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == ("vendor_assets: npm was not found on PATH; install Node.js 18 or later with npm.\n")
    assert not (tmp_path / "vendor").exists()


def test_it_passes_on_what_npm_says_when_npm_fails(tmp_path: Path) -> None:
    (tmp_path / "npm").write_text("#!/bin/sh\necho 'npm error code EINTEGRITY' >&2\nexit 7\n")
    (tmp_path / "npm").chmod(0o755)
    result = run(tmp_path / "vendor", PATH=str(tmp_path))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "vendor_assets: npm ci failed with exit code 7:\nnpm error code EINTEGRITY\n"
    assert not (tmp_path / "vendor").exists()
