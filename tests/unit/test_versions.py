"""Tests of what is told about versions."""

from __future__ import annotations

import platform
from pathlib import Path

import django
import pytest

from remote_service import versions as module
from remote_service.versions import gateway_version, tigervnc_version, versions


def test_everything_that_is_at_work_is_named() -> None:
    found = versions()
    assert found["gateway"] == gateway_version()
    assert found["python"] == platform.python_version()
    assert found["django"] == django.get_version()
    assert found["kernel"] == f"Linux {platform.release()}"


def test_the_version_of_the_gateway_is_that_of_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gateway_version()[0].isdigit()
    monkeypatch.setattr(module, "PROJECT", tmp_path / "pyproject.toml")
    assert gateway_version().startswith("not found: [Errno 2]")


def test_tigervnc_says_its_version_itself(tmp_path: Path) -> None:
    program = tmp_path / "Xvnc"
    program.write_text("#!/bin/sh\necho\necho 'Xvnc TigerVNC 1.12.0 - built 2023-06-29' >&2\nexit 1\n")
    program.chmod(0o755)
    assert tigervnc_version(("not-there-at-all", str(program))) == "1.12.0"
    program.write_text("#!/bin/sh\n")
    assert tigervnc_version((str(program),)) == "unknown"
    assert tigervnc_version(("not-there-at-all",)) == "not found"
